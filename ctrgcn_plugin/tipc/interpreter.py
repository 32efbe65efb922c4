"""The ``python`` that TIPC's scripts find: runs the interpreter it was started by, and notes how that ended.

The scripts hide how a training ended: they ask for the exit status of the command after it. And they install
packages of their own choice, which is left undone. This file is run by path with ``-I -S`` and imports the standard
library alone, so that what it stands for starts as it would have.
"""

import json
import os
import subprocess
import sys
import time

RECORD = "CTRGCN_TIPC_RECORD"
PIP = ["-m", "pip"]


def main() -> int:
    """Run ``python *sys.argv[1:]``; its exit status as a shell gives it."""
    arguments = sys.argv[1:]
    if arguments[:2] == PIP:
        print(f"not done, what is here is what is tested: pip {' '.join(arguments[2:])}")
        return 0
    started = time.time()
    status = subprocess.call([sys.executable, *arguments])
    if status < 0:
        status = 128 - status  # ended by a signal
    if os.environ.get(RECORD):
        run = {"argv": arguments, "seconds": time.time() - started, "status": status}
        with open(os.environ[RECORD], "a", encoding="utf-8") as file:  # noqa: PTH123, pathlib would be imported
            file.write(json.dumps(run) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
