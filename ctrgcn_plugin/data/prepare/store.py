"""Clips that are read already, on disk: an interrupted preparation goes on where it was.

One file, that only grows: a line that says which preparation it belongs to; then for each recording a line and the
clip's bytes. A line is a checksum of all that follows it up to the next one, and JSON. Whatever a process leaves that
ends in the middle of a write, or a machine that does, does not match its checksum and is cut off.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Optional, Union

import numpy as np

from ctrgcn_plugin.data.prepare.source import Reading
from ctrgcn_plugin.errors import UserError

FILE = "clips"
ITEM = np.dtype("<f4")

# size and time of what a recording was read from
Mark = tuple[int, int]


class Entry(NamedTuple):
    """What became of a recording.

    Attributes:
        mark: of its file, see :func:`mark`.
        shape: of its clip, (C, T, V, M'); None if it is left out.
        notes: of a kept clip; of one that is left out the reason, alone.
        offset: of the clip's first byte.
    """

    mark: Mark
    shape: Optional[tuple[int, int, int, int]]
    notes: Sequence[str]
    offset: int


def mark(path: Path) -> Mark:
    """What tells a changed file: its size and time of change; of a folder, those of the files in it."""
    try:
        if path.is_dir():
            stats = [entry.stat() for entry in os.scandir(path)]
            return sum(each.st_size for each in stats), max((each.st_mtime_ns for each in stats), default=0)
        found = path.stat()
    except OSError:
        return 0, 0  # reading it says what is wrong
    return found.st_size, found.st_mtime_ns


class Store:
    """The clips read so far, in a folder of its own.

    Args:
        folder: made if it is not there.
        key: which preparation they belong to; clips of another one are thrown away.

    Raises:
        UserError: another process is at it.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._file = os.fdopen(os.open(folder / FILE, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        self._lock()
        self.entries: dict[str, Entry] = {}
        head = json.dumps(key).encode() + b"\n"
        if self._file.readline() == head:
            self.entries.update(_entries(self._file))
            self._file.truncate()
        else:
            self._file.seek(0)
            self._file.truncate()
            self._file.write(head)
        # or a forked process would have it to write, too
        self._file.flush()

    def _lock(self) -> None:
        try:
            # of this process alone: workers that outlive it for a moment do not hold it
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            self._file.close()
            raise UserError(f"another preparation is writing to {self.folder.parent}; wait for its end") from error
        except OSError:
            pass  # a file system without locks

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, name: str, mark: Mark, result: Union[Reading, str]) -> None:
        """Note a recording's clip, or why it is left out."""
        if isinstance(result, Reading):
            shape, notes, content = result.clip.shape, list(result.notes), result.clip.astype(ITEM).tobytes()
        else:
            shape, notes, content = None, [result], b""
        line = json.dumps([name, mark, shape, notes]).encode() + b"\n"
        self._file.seek(0, os.SEEK_END)
        self._file.write(b"%08x" % zlib.crc32(content, zlib.crc32(line)) + line)
        self.entries[name] = Entry(mark, shape, notes, self._file.tell())
        self._file.write(content)

    def flush(self) -> None:
        """What was added is safe from the end of this process."""
        self._file.flush()

    def clip(self, name: str) -> np.ndarray:
        """The clip of a recording that was kept, (C, T, V, M') float32."""
        entry = self.entries[name]
        self._file.seek(entry.offset)
        return np.frombuffer(self._file.read(_size(entry.shape)), ITEM).reshape(entry.shape)

    def remove(self) -> None:
        """Throw all away."""
        self._file.close()
        shutil.rmtree(self.folder)


def _size(shape: Optional[Sequence[int]]) -> int:
    return int(np.prod(shape)) * ITEM.itemsize if shape else 0


def _entries(file: BinaryIO) -> Iterator[tuple[str, Entry]]:
    """What an open file holds from here on, up to the first damage; leaves the file there."""
    end = os.fstat(file.fileno()).st_size
    while True:
        start = file.tell()
        checksum, line = file.read(8), file.readline()
        entry: Any = None
        try:
            name, marked, shape, notes = json.loads(line)
            offset, size = file.tell(), _size(shape)
            if 0 <= size <= end - offset and b"%08x" % zlib.crc32(file.read(size), zlib.crc32(line)) == checksum:
                entry = name, Entry(tuple(marked), shape and tuple(shape), notes, offset)
        except (ValueError, TypeError):
            pass  # no such line
        if entry is None:
            file.seek(start)
            return
        yield entry
