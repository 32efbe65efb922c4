"""Scripts in processes that start where every PaddleVideo's own imports are done: most of a script's time, here.

One parent imports the libraries and nothing of PaddleVideo or of this package, then forks for each script. What the
script sees is what a start of its own would give it: arguments, environment, working folder, ``__main__``.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import runpy
import signal
import sys
import traceback
from pathlib import Path

LIBRARIES = ("zlib", "paddle", "pandas", "scipy.interpolate", "cv2", "decord", "tqdm", "PIL.Image")

LONGEST = 300  # seconds; then the script is killed


def main() -> None:
    """Answer each line {script, cwd, environment, output} of standard input with the script's exit status."""
    for library in LIBRARIES:
        importlib.import_module(library)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(**asked)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(script: str, cwd: str, environment: dict[str, str], output: str) -> None:
    """Be a process that was started to run `script`; does not return."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.setsid()
    signal.alarm(LONGEST)
    sys.argv = [script]
    sys.path[0] = str(Path(script).parent)
    status = 0
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
