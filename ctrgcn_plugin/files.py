"""Writing a file so that nobody ever meets half of it."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

# .NAME.PROCESS@HOST.part
_PART = re.compile(r"\..+\.(\d+)@(.+)\.part")
# seconds after which a file that another machine was writing is taken for left over; none of ours takes that long
_ABANDONED = 24 * 3600


@contextmanager
def replacing(path: str | os.PathLike[str], durable: bool = False) -> Iterator[IO[bytes]]:
    """A binary file that is written beside `path` and takes its name when the block ends well.

    After an error the old file, if any, is still there and the new one is gone. A process that is killed leaves the
    old file, and beside it a hidden one, for :func:`remove_stale`.

    Args:
        durable: the new file is on the disk, and not in the system's memory, before it takes the name: then a machine
            that goes down leaves the old file or the new one, too.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}@{socket.gethostname()}.part")
    try:
        with beside.open("wb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        beside.replace(target)
        if durable:
            _sync_folder(target.parent)
    finally:
        beside.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_stale(folder: str | os.PathLike[str]) -> list[Path]:
    """Remove what :func:`replacing` has left in a folder in processes that were killed; what is being written stays."""
    stale = [path for path in Path(folder).glob(".*.part") if _left_over(path)]
    for path in stale:
        path.unlink(missing_ok=True)
    return stale


def _left_over(path: Path) -> bool:
    match = _PART.fullmatch(path.name)
    if not match:
        return False
    process, host = match.groups()
    if host == socket.gethostname():
        return not _lives(int(process))
    with suppress(FileNotFoundError):
        return time.time() - path.stat().st_mtime > _ABANDONED
    return False


def _lives(process: int) -> bool:
    # on Windows there is no signal that only asks
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        # another user's
        return True
    return True
