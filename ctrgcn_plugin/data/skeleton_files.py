"""What a ``.skeleton`` file of NTU RGB+D holds.

The format is that of the data set's own ``read_skeleton_file.m``: the number of frames; for each frame the number
of bodies; for each body a line that begins with its id, the number of joints, and a line for each joint that begins
with x, y, z in metres. x points to the camera's left, y up, z away from the camera.

A file that is as it should be is read at once; whatever is not is read line by line, for an error that says where.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Optional, Union

import numpy as np

from ctrgcn_plugin.data.decimals import decimals
from ctrgcn_plugin.errors import ClipError

JOINTS, COORDINATES = 25, 3
BODY_COLUMNS, JOINT_COLUMNS = 10, 12
HEAD = 2  # lines of a body before its joints
BLANK, NEWLINE, RETURN = b" \n\r"
SHOWN = 40

AnyPath = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True, eq=False)
class Body:
    """Somebody, or something, that the sensor followed.

    Attributes:
        name: the sensor's id.
        start: frame of its first appearance.
        joints: (T, V, C) float32, for the frames from `start` on.
    """

    name: str
    start: int
    joints: np.ndarray

    @property
    def last(self) -> int:
        return self.start + len(self.joints) - 1


class Recorded(NamedTuple):
    """A file's frames.

    Attributes:
        frames: how many have a body.
        empty: how many have none.
        bodies: by first appearance.
    """

    frames: int
    empty: int
    bodies: list[Body]


class Appearances(NamedTuple):
    """A file's bodies in the order of its lines: K times that one is in a frame.

    Attributes:
        frames, empty: as in :class:`Recorded`.
        names: (K,) ids.
        times: (K,) frames, those without a body not counted.
        joints: (K, V, C) float32.
    """

    frames: int
    empty: int
    names: Sequence[str]
    times: Sequence[int]
    joints: np.ndarray


def read(path: AnyPath) -> Recorded:
    """What is in a ``.skeleton`` file.

    Frames without a body are left out. So are, for each body, the frames between its appearances: after a gap it
    goes on as if there had been none, earlier than the others. The training data are like that.

    Raises:
        ClipError: there is no such file, or it is no whole skeleton file; it says which line is wrong.
    """
    frames, empty, names, times, joints = at_once(path) or line_by_line(path)
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        rows.setdefault(name, []).append(row)
    bodies = [Body(name, times[own[0]], joints[own]) for name, own in rows.items()]
    for body in bodies:
        if body.last >= frames:
            raise ClipError(f"clip {path} has body {body.name} twice in one frame")
    return Recorded(frames, empty, bodies)


def at_once(path: AnyPath) -> Optional[Appearances]:
    """What :func:`line_by_line` reads, for regular files alone: ASCII, one blank between columns. Else nothing."""
    try:
        text = Path(path).read_bytes()
        text = text if text.endswith(b"\n") else text + b"\n"
        return _regular(text) if text.isascii() else None
    except (OSError, ValueError, IndexError):
        return None


class _Columns(NamedTuple):
    """The columns of a text, all lines' one after the other.

    Attributes:
        text: what they are in.
        characters: the same as uint8.
        starts, ends: of each column.
        separators: the character behind each one.
        first, last: of each line, its first and its last column.
    """

    text: bytes
    characters: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    separators: np.ndarray
    first: np.ndarray
    last: np.ndarray

    @classmethod
    def of(cls, text: bytes) -> _Columns:
        characters = np.frombuffer(text, np.uint8)
        ends = np.flatnonzero(characters <= BLANK)
        separators = characters[ends]
        if b"\r" in text:
            returns = ends[separators == RETURN]
            # behind a column and before a newline they pass for a part of the column; elsewhere they would end a line
            if not ((characters[returns - 1] > BLANK) & (characters[returns + 1] == NEWLINE)).all():
                raise ValueError
            ends = ends[separators != RETURN]
            separators = characters[ends]
        last = np.flatnonzero(separators == NEWLINE)
        first = np.concatenate([[0], last[:-1] + 1])
        return cls(text, characters, np.concatenate([[0], ends[:-1] + 1]), ends, separators, first, last)

    def words(self, lines: np.ndarray) -> list[bytes]:
        """The first column of each of `lines`."""
        places = map(slice, self.starts[self.first[lines]].tolist(), self.ends[self.first[lines]].tolist())
        return [self.text[place].rstrip(b"\r") for place in places]

    def check(self, expected: np.ndarray) -> None:
        """A ValueError unless the first lines have as many columns as `expected`, with one blank between two."""
        used = int(self.last[len(expected) - 1]) + 1
        blanks = np.count_nonzero(self.separators[:used] == BLANK)
        whole = (self.starts[:used] < self.ends[:used]).all()
        found = (self.last - self.first + 1)[: len(expected)]
        if not whole or blanks != used - len(expected) or not np.array_equal(found, expected):
            raise ValueError


def _regular(text: bytes) -> Appearances:
    """Raises ValueError or IndexError for a text that is not as expected."""
    columns = _Columns.of(text)
    present, bodies = _bodies(columns)
    joints = bodies[:, None] + HEAD + np.arange(JOINTS)
    expected = np.ones(1 + len(present) + (HEAD + JOINTS) * len(bodies), np.intp)
    expected[bodies] = BODY_COLUMNS
    expected[joints] = JOINT_COLUMNS
    columns.check(expected)
    if set(columns.words(bodies + 1)) - {b"%d" % JOINTS}:
        raise ValueError

    xyz = columns.first[joints].ravel() + np.arange(COORDINATES)[:, None]
    values = _float32(decimals(columns.characters, columns.starts[xyz].ravel(), columns.ends[xyz].ravel()))
    if not np.isfinite(values).all():
        raise ValueError
    seen = present > 0
    return Appearances(
        frames=int(seen.sum()),
        empty=int((~seen).sum()),
        names=[word.decode() for word in columns.words(bodies)],
        times=np.repeat(np.cumsum(seen) - 1, present).tolist(),
        joints=np.ascontiguousarray(values.reshape(COORDINATES, -1, JOINTS).transpose(1, 2, 0)),
    )


def _bodies(columns: _Columns) -> tuple[np.ndarray, np.ndarray]:
    """How many bodies each frame has, and the line in which each body begins."""
    count = columns.last - columns.first + 1
    # a line of one column begins a frame, unless it follows a body's
    begins = count == 1
    begins[np.flatnonzero(count == BODY_COLUMNS) + 1] = False
    total = _count(columns.words(np.zeros(1, np.intp))[0])
    frames = np.flatnonzero(begins)[1 : total + 1]
    present = np.array([_count(word) for word in columns.words(frames)], np.intp)
    length = 1 + (HEAD + JOINTS) * present
    # before anything is made that is as large as the file says
    if len(frames) < total or 1 + length.sum() > len(count):
        raise ValueError
    if not np.array_equal(frames, 1 + np.cumsum(length) - length):
        raise ValueError
    before = np.repeat(np.cumsum(present) - present, present)
    return present, np.repeat(frames, present) + 1 + (HEAD + JOINTS) * (np.arange(len(before)) - before)


def _count(text: bytes) -> int:
    # no more digits than there can be lines
    if not text.isdigit() or len(text) > 9:
        raise ValueError
    return int(text)


def _float32(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def line_by_line(path: AnyPath) -> Appearances:
    """The bodies in a file; a ClipError says in which line it is damaged."""
    lines = _Lines(path)
    names, times, joints = [], [], []
    total = lines.count("the number of frames")
    frames = 0
    for _ in range(total):
        present = lines.count("the number of bodies")
        for _ in range(present):
            names.append(lines.columns(BODY_COLUMNS, "a body's id and state")[0])
            times.append(frames)
            joints.append(_joints(lines))
        frames += present > 0
    values = np.array(joints, np.float32).reshape(-1, JOINTS, COORDINATES)
    return Appearances(frames, total - frames, names, times, values)


class _Lines:
    """The lines of a file, one after the other; errors say where."""

    def __init__(self, path: AnyPath) -> None:
        if not Path(path).is_file():
            raise ClipError(f"no clip at {path}; give a .skeleton file of NTU RGB+D")
        try:
            with Path(path).open(encoding="utf-8") as file:
                self._lines = file.readlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ClipError(f"clip {path} cannot be read as text: {error}") from error
        if not self._lines:
            raise ClipError(f"clip {path} is empty")
        self.path = path
        self.number = 0  # of the line read last, from 1

    def error(self, found: str, line: int = 0) -> ClipError:
        return ClipError(
            f"clip {self.path} is no NTU RGB+D skeleton file, or a damaged one: line {line or self.number} {found}"
        )

    def columns(self, number: int, what: str) -> list[str]:
        """The next line's `number` columns."""
        if self.number == len(self._lines):
            raise ClipError(f"clip {self.path} is cut off: it ends after line {self.number}, before {what}")
        columns = self._lines[self.number].split()
        self.number += 1
        if len(columns) != number:
            raise self.error(f"has {len(columns)} columns; {what} would be {number}")
        return columns

    def count(self, what: str) -> int:
        """The next line's only number, not negative."""
        (text,) = self.columns(1, what)
        # no more digits than int() takes
        if not text.isdecimal() or len(text) > SHOWN:
            raise self.error(f"has {text[:SHOWN]!r} for {what}")
        return int(text)


def _joints(lines: _Lines) -> np.ndarray:
    """One body's joints in one frame, (V, C) float32."""
    joints = lines.count("the number of joints")
    if joints != JOINTS:
        raise lines.error(f"says {joints} joints; the layout has {JOINTS}")
    before = lines.number
    rows = []
    for joint in range(JOINTS):
        columns = lines.columns(JOINT_COLUMNS, f"joint {joint + 1}")[:COORDINATES]
        try:
            rows.append([float(text) for text in columns])
        except ValueError as error:
            raise lines.error(f"has {' '.join(columns)[:SHOWN]!r} for x, y, z") from error
    values = _float32(np.array(rows))
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        raise lines.error("has NaN or infinity for x, y or z", before + 1 + int(finite.argmin()))
    return values
