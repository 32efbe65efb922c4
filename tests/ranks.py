"""Code in several processes that talk to each other, set up as ``paddle.distributed.launch`` does it."""

from __future__ import annotations

import os
import runpy
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

LONGEST = 120  # seconds


def in_ranks(ranks: int, run: Callable[[], object]) -> bool:
    """Fork for each rank, and have all of them run the same; whether all have ended well."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    children = []
    for rank in range(ranks):
        child = os.fork()
        if not child:
            _become(rank, ranks, port, run)
        children.append(child)
    statuses = [os.waitpid(child, 0)[1] for child in children]
    return not any(statuses)


def _become(rank: int, ranks: int, port: int, run: Callable[[], object]) -> None:
    """Be one of the ranks; does not return."""
    endpoints = [f"127.0.0.1:{port + other}" for other in range(ranks)]
    os.environ.update(
        PADDLE_DISTRI_BACKEND="gloo",
        PADDLE_MASTER=endpoints[0],
        PADDLE_TRAINERS_NUM=str(ranks),
        PADDLE_TRAINER_ID=str(rank),
        PADDLE_CURRENT_ENDPOINT=endpoints[rank],
        PADDLE_TRAINER_ENDPOINTS=",".join(endpoints),
    )
    status = 1
    try:
        run()
        status = 0
    except SystemExit as ended:
        status = int(bool(ended.code))
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def run_in_ranks(script: Path, ranks: int = 2) -> str:
    """Run a script that talks, in its own folder; what its ranks have printed. Each that fails fails the test."""
    done = subprocess.run(
        [sys.executable, __file__, str(ranks), str(script)],
        cwd=script.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def _talking(script: str) -> None:
    import paddle

    paddle.distributed.init_parallel_env()
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    import paddle  # noqa: F401, once for all ranks

    sys.exit(not in_ranks(int(sys.argv[1]), partial(_talking, sys.argv[2])))
