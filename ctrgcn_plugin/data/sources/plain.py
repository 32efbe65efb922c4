"""Skeletons as plain arrays or tables: the form to write when no other fits.

``.npy``
    (T, V, C) for one person, or (T, M, V, C): in each frame, for each person, for each joint, x, y and perhaps z. NaN
    is a joint that was not seen; a person whose joints are all zero in a frame is absent there. Frames come first so
    that other orders are told apart: an array with more persons than frames is refused.
``.csv``
    A row for each person in each frame: ``frame,person,<joint>_x,<joint>_y[,<joint>_z],...`` in any order, with the
    layout's joint names or numbers from 0. Without ``person`` there is one. An empty cell or ``nan`` is a joint that
    was not seen. Rows that are left out are frames in which a person was not seen.

y points upward in both.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data import arrays
from ctrgcn_plugin.data.sources import frames, table
from ctrgcn_plugin.data.sources.own import OwnClips, People, files
from ctrgcn_plugin.errors import ClipError
from ctrgcn_plugin.layouts import Layout

AXES = "xyz"
WHOLE = re.compile(r"-?[0-9]{1,18}")


def source(raw: Path, *, labels: Path, layout: str, persons: int = 1) -> OwnClips:
    """The ``.npy`` and ``.csv`` files anywhere below `raw`, all 2-D or all 3-D as the first clip of the list."""
    clips = OwnClips(raw, labels, _files, _parse, layout, persons)
    skeleton = layouts.get(layout)
    return replace(clips, dimensions=clips.first(lambda file: len(_parse(file, skeleton, 1).positions)) or 2)


def _files(raw: Path) -> dict[str, Path]:
    return files(raw, READERS)


def _parse(file: Path, layout: Layout, persons: int) -> People:
    clip, there = READERS[file.suffix.lower()](file, layout, persons)
    clip[(clip == 0).all(axis=(2, 3))] = np.nan
    notes = [f"{there - persons} of {there} persons left out"] if there > persons else []
    return People(clip.transpose(3, 0, 2, 1), notes=notes)


def read(file: Path, layout: Layout, persons: int) -> People:
    """At most `persons` of those in a ``.npy`` or ``.csv`` file."""
    if file.suffix.lower() not in READERS:
        raise ClipError(f"clip {file} is no plain clip; give a {' or '.join(READERS)} file")
    return _parse(file, layout, persons)


def _read_array(file: Path, layout: Layout, persons: int) -> tuple[np.ndarray, int]:
    """(T, M, V, C) float64 with the first M <= `persons`, and how many there are."""
    clip = arrays.opened(file)
    if clip.dtype.kind not in "fiu":
        raise ClipError(f"clip {file} is no array of numbers")
    joints = layout.num_joints
    people = clip[:, None] if clip.ndim == 3 else clip
    if people.ndim != 4 or people.shape[2] != joints or people.shape[3] not in (2, 3) or len(people) < people.shape[1]:
        # what the networks take
        is_input = clip.ndim == 4 and clip.shape[0] in (2, 3) and clip.shape[2] == joints
        hint = "; if it is (C, T, V, M), save clip.transpose(1, 3, 2, 0)" if is_input else ""
        raise ClipError(
            f"clip {file} has shape {clip.shape}; layout {layout.name!r} needs (T, {joints}, C) or "
            f"(T, M, {joints}, C), with 2 or 3 coordinates C and no more persons M than frames T{hint}"
        )
    return people[:, :persons].astype(np.float64), people.shape[1]


def _read_table(file: Path, layout: Layout, persons: int) -> tuple[np.ndarray, int]:
    """As :func:`_read_array`, persons by first appearance."""
    rows = table.rows(file, ClipError)
    _, header = next(rows, (0, []))
    columns = _columns(file, header, layout)
    frame_at, person_at = header.index("frame"), header.index("person") if "person" in header else None
    people: dict[str, int] = {}
    lines: dict[tuple[int, int], int] = {}
    values = []
    for line, cells in rows:
        where = f"{file}, line {line}"
        number = _whole(cells[frame_at], where)
        person = people.setdefault("" if person_at is None else cells[person_at], len(people))
        if (number, person) in lines:
            again = f"{where} has the frame and the person of line {lines[number, person]}"
            raise ClipError(again + ("; name persons in a column 'person'" if person_at is None else ""))
        lines[number, person] = line
        values.append([_coordinate(cells[column], header[column], where) for column in columns])
    if not values:
        raise ClipError(f"clip {file} has no row below its header")
    frame_of = frames.places([number for number, _ in lines], file)
    joints = np.array(values).reshape(len(values), layout.num_joints, -1)
    clip = np.full((max(frame_of.values()) + 1, min(len(people), persons), *joints.shape[1:]), np.nan)
    for (number, person), row in zip(lines, joints):
        if person < persons:
            clip[frame_of[number], person] = row
    return clip, len(people)


def _columns(file: Path, header: Sequence[str], layout: Layout) -> list[int]:
    """Where the coordinates are, joint by joint in the layout's order, x, y and perhaps z of each."""
    place = {name: column for column, name in enumerate(header)}
    if len(place) < len(header):
        repeated = next(name for column, name in enumerate(header) if place[name] != column)
        raise ClipError(f"{file} names column {repeated!r} twice")
    axes = AXES if any(name.endswith("_z") for name in header) else AXES[:2]
    columns, missing = [], ["frame"] if "frame" not in place else []
    for number, joint in enumerate(layout.joints):
        for axis in axes:
            names = [name for name in (f"{joint}_{axis}", f"{number}_{axis}") if name in place]
            columns += [place.pop(name) for name in names[:1]]
            missing += [] if names else [f"{joint}_{axis}"]
    odd = [name for name in place if name not in ("frame", "person")]
    if odd or missing:
        wrong = [f"no column {name!r}" for name in missing[:1]] + [f"a column {name!r:.40}" for name in odd[:1]]
        raise ClipError(
            f"{file} has {' and '.join(wrong)}; layout {layout.name!r} needs frame, person (where there are "
            f"several) and {layout.joints[0]}_x, {layout.joints[0]}_y and so on for {layout.num_joints} joints"
        )
    return columns


def _whole(cell: str, where: str) -> int:
    number = frames.number_of(int(cell)) if WHOLE.fullmatch(cell) else None
    if number is None:
        raise ClipError(f"{where} has {cell!r:.40} as 'frame'; a whole number is needed")
    return number


def _coordinate(cell: str, column: str, where: str) -> float:
    try:
        number = float(cell or "nan")
    except ValueError:
        number = math.inf
    if math.isinf(number):
        raise ClipError(f"{where} has {cell!r:.40} as {column!r}; a number is needed, or nothing where it is missing")
    return number


READERS = {".npy": _read_array, ".csv": _read_table}
