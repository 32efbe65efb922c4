"""One NTU RGB+D ``.skeleton`` file as the clip that the preparation of the training data makes of it.

A network sees at work what it saw in training only if both went through the same steps. For NTU these are the
three preparation scripts that CTR-GCN and PaddleVideo share: ``get_raw_skes_data.py`` (here :func:`parse`),
``get_raw_denoised_data.py`` (:func:`denoised`, :func:`people_of`) and ``seq_transformation.py`` (:func:`centred`).
Theirs is the result to the last bit, including what looks like an oversight: the comments name those places.

The file format is that of the data set's own ``read_skeleton_file.m``: the number of frames; for each frame the
number of bodies; for each body a line that begins with its id, the number of joints, and a line for each joint
that begins with x, y, z in metres. x points to the camera's left, y up, z away from the camera.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Union

import numpy as np

from ctrgcn_plugin.data.sample import ClipError

JOINTS, COORDINATES, PERSONS = 25, 3, 2
BODY_COLUMNS, JOINT_COLUMNS = 10, 12
MIDDLE_OF_SPINE = 1
SHOWN = 40

# the thresholds of get_raw_denoised_data.py
SHORT = 11  # frames
WIDEST = 0.8  # of the height
MOSTLY = 0.69754  # of a body's frames


@dataclass(frozen=True)
class Body:
    """Somebody, or something, that the sensor followed.

    Attributes:
        start: frame of its first appearance.
        joints: (T, V, C) float32, for the frames from `start` on.
    """

    start: int
    joints: np.ndarray

    @property
    def last(self) -> int:
        return self.start + len(self.joints) - 1

    @property
    def wide(self) -> np.ndarray:
        """(T,) bool: the frames in which it is too wide for its height to be a person."""
        width, height = (np.ptp(self.joints[..., axis], axis=1).astype(np.float64) for axis in (0, 1))
        # in float64 as with NumPy 1, which the scripts need and which the training data were made with
        return width > WIDEST * height

    @property
    def motion(self) -> float:
        """Sum of the coordinates' variances, the smaller of that in all frames and that without the wide ones."""
        spans = (self.joints, self.joints[~self.wide])
        return min(joints.reshape(-1, COORDINATES).var(axis=0).sum() for joints in spans)


def read(path: Union[str, os.PathLike[str]]) -> np.ndarray:
    """The clip in a ``.skeleton`` file, prepared as the training data.

    Returns:
        (3, T, 25, 2) float32, metres from the middle of the first person's spine in the first frame; zeros for a
        second person who is not there. T has only frames with somebody in them and is not padded.

    Raises:
        ClipError: there is no such file, it is no whole skeleton file, or nobody is in it.
    """
    frames, bodies = parse(path)
    if not bodies:
        raise ClipError(f"clip {path} has nobody in any of its frames")
    if len(bodies) == 1:
        # neither denoised nor searched for frames without coordinates, as in the scripts
        people = people_of(frames, bodies)
    else:
        people = people_of(frames, denoised(bodies))
        # by the sum as in the scripts: a frame whose coordinates cancel out goes, too
        people = people[people.reshape(frames, -1).sum(axis=1) != 0]
    if not people[:, 0].any():
        raise ClipError(f"clip {path} has only zeros for the coordinates of its first person")
    clip = np.zeros((COORDINATES, len(people), JOINTS, PERSONS), np.float32)
    clip[..., : people.shape[1]] = centred(people).transpose(3, 0, 2, 1)
    return clip


def parse(path: Union[str, os.PathLike[str]]) -> tuple[int, list[Body]]:
    """What a ``.skeleton`` file holds: how many frames with bodies, and the bodies by first appearance.

    Frames without a body are left out and not counted. So are, for each body, the frames between its appearances:
    after a gap it goes on as if there had been none, earlier than the others. The training data are like that.
    """
    lines = _Lines(path)
    appearances: dict[str, list[np.ndarray]] = {}
    starts: dict[str, int] = {}
    frames = 0
    for _ in range(lines.count("the number of frames")):
        present = lines.count("the number of bodies")
        for _ in range(present):
            name = lines.columns(BODY_COLUMNS, "a body's id and state")[0]
            appearances.setdefault(name, []).append(_joints(lines))
            starts.setdefault(name, frames)
        frames += present > 0
    bodies = [Body(starts[name], np.stack(joints)) for name, joints in appearances.items()]
    for name, body in zip(appearances, bodies):
        if body.last >= frames:
            raise ClipError(f"clip {path} has body {name} twice in one frame")
    return frames, bodies


def denoised(bodies: Sequence[Body]) -> list[Body]:
    """The bodies that are people, those that move more before those that move less.

    Length and spread decide. The scripts' thresholds for motion do not: the step that would use them is never
    reached.
    """
    # where all are short the scripts find nobody and stop; length tells nothing then
    long = [body for body in bodies if len(body.joints) > SHORT] or bodies
    # the scripts look at one body after the other and stop when only one is left
    people = [body for body in long if body.wide.mean() < MOSTLY] or long[-1:]
    return sorted(people, key=lambda body: body.motion, reverse=True) if len(people) > 1 else list(people)


def people_of(frames: int, bodies: Sequence[Body]) -> np.ndarray:
    """Who is the first person and who the second: (T, M, V, C) with M = 1 for a single body, else 2.

    The sensor may lose a person whom it then finds as another body. So each body, in the order given, is the first
    person if that one's time is not yet taken, else the second, else nobody.
    """
    people = np.zeros((frames, min(len(bodies), PERSONS), JOINTS, COORDINATES), np.float32)
    # The first and the last frame that are taken. For the second person the first is always 0, so that a body
    # which is there only before that person comes is nobody.
    taken = [(bodies[0].start, bodies[0].start), (0, 0)]
    for body in bodies:
        for person, (start, last) in enumerate(taken):
            # a single frame in common does not count, and the later body overwrites it
            if min(last, body.last) <= max(start, body.start):
                people[body.start : body.last + 1, person] = body.joints
                taken[person] = min(start, body.start), max(last, body.last)
                break
    return people


def centred(people: np.ndarray) -> np.ndarray:
    """`people` (T, M, V, C), the origin moved to the middle of the first person's spine in that one's first frame."""
    first = int(people[:, 0].any(axis=(1, 2)).argmax())
    moved = people - people[first, 0, MIDDLE_OF_SPINE]
    if people.shape[1] > 1:
        # who is not there stays at zero; of a person alone, frames of zeros are moved like the others
        moved[people.reshape(*people.shape[:2], -1).sum(axis=2) == 0] = 0
    return moved


class _Lines:
    """The lines of a file, one after the other; errors say where."""

    def __init__(self, path: Union[str, os.PathLike[str]]) -> None:
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
    with np.errstate(over="ignore"):
        values = np.array(rows).astype(np.float32)
    finite = np.isfinite(values).all(axis=1)
    if not finite.all():
        raise lines.error("has NaN or infinity for x, y or z", before + 1 + int(finite.argmin()))
    return values
