"""One NTU RGB+D ``.skeleton`` file as the clip that the preparation of the training data makes of it.

A network sees at work what it saw in training only if both went through the same steps. For NTU these are the
three preparation scripts that CTR-GCN and PaddleVideo share: ``get_raw_skes_data.py`` (here
:mod:`ctrgcn_plugin.data.skeleton_files`), ``get_raw_denoised_data.py`` (:func:`denoised`, :func:`people_of`) and
``seq_transformation.py`` (:func:`centred`). Theirs is the result to the last bit, including what looks like an
oversight: the comments name those places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ctrgcn_plugin.data import skeleton_files
from ctrgcn_plugin.data.skeleton_files import COORDINATES, JOINTS, AnyPath, Body
from ctrgcn_plugin.errors import ClipError

PERSONS = 2
MIDDLE_OF_SPINE = 1

# the thresholds of get_raw_denoised_data.py
SHORT = 11  # frames
WIDEST = 0.8  # of the height
MOSTLY = 0.69754  # of a body's frames


class Prepared(NamedTuple):
    """A clip, and what of its file is not in it.

    Attributes:
        clip: (3, T, 25, 2) float32, metres from the middle of the first person's spine in the first frame; zeros for
            a second person who is not there. T has only frames with somebody in them and is not padded.
        notes: bodies and frames that were left out, and why.
    """

    clip: np.ndarray
    notes: list[str]


def read(path: AnyPath) -> np.ndarray:
    """The clip of :func:`prepared`, (3, T, 25, 2)."""
    return prepared(path).clip


def prepared(path: AnyPath) -> Prepared:
    """The clip in a ``.skeleton`` file, prepared as the training data.

    Raises:
        ClipError: there is no such file, it is no whole skeleton file, or nobody is in it.
    """
    frames, empty, bodies = skeleton_files.read(path)
    if not bodies:
        raise ClipError(f"clip {path} has nobody in any of its frames")
    notes = _dropped(empty, "nobody in them")
    if len(bodies) == 1:
        # neither denoised nor searched for frames without coordinates, as in the scripts
        people, _ = people_of(frames, bodies)
    else:
        kept, noise = denoised(bodies)
        people, crowd = people_of(frames, kept)
        # by the sum as in the scripts: a frame whose coordinates cancel out goes, too
        people = people[people.reshape(frames, -1).sum(axis=1) != 0]
        notes += noise + crowd + _dropped(frames - len(people), "no coordinates of those who are left")
    if not people[:, 0].any():
        raise ClipError(f"clip {path} has only zeros for the coordinates of its first person")
    clip = np.zeros((COORDINATES, len(people), JOINTS, PERSONS), np.float32)
    clip[..., : people.shape[1]] = centred(people).transpose(3, 0, 2, 1)
    return Prepared(clip, notes)


def wide(body: Body) -> np.ndarray:
    """(T,) bool: the frames in which a body is too wide for its height to be a person."""
    # with the frames last, so that the extremes of all frames are found at once
    x_and_y = np.ascontiguousarray(body.joints[..., :2].transpose(1, 2, 0))
    width, height = (x_and_y.max(axis=0) - x_and_y.min(axis=0)).astype(np.float64)
    # in float64 as with NumPy 1, which the scripts need and which the training data were made with
    return width > WIDEST * height


def motion(body: Body, wide: np.ndarray) -> float:
    """Sum of the coordinates' variances, the smaller of that in all frames and that without the wide ones."""
    spans = (body.joints, body.joints[~wide]) if wide.any() else (body.joints,)
    return min(joints.reshape(-1, COORDINATES).var(axis=0).sum() for joints in spans)


def denoised(bodies: Sequence[Body]) -> tuple[list[Body], list[str]]:
    """The bodies that are people, those that move more before those that move less; why the others are not.

    Length and spread decide. The scripts' thresholds for motion do not: the step that would use them is never
    reached.
    """
    # where all are short the scripts find nobody and stop; length tells nothing then
    long = [body for body in bodies if len(body.joints) > SHORT] or bodies
    wide_in = {body: wide(body) for body in long}
    # the scripts look at one body after the other and stop when only one is left
    people = [body for body in long if wide_in[body].mean() < MOSTLY] or long[-1:]
    notes = [
        f"body {body.name} left out: {len(body.joints)} frames, people have more than {SHORT}"
        for body in bodies
        if body not in long
    ]
    notes += [
        f"body {body.name} left out: wider than a person in {wide_in[body].mean():.0%} of its frames"
        for body in long
        if body not in people
    ]
    if len(people) > 1:
        people = sorted(people, key=lambda body: motion(body, wide_in[body]), reverse=True)
    return list(people), notes


def people_of(frames: int, bodies: Sequence[Body]) -> tuple[np.ndarray, list[str]]:
    """Who is the first person and who the second: (T, M, V, C) with M = 1 for a single body, else 2; who is neither.

    The sensor may lose a person whom it then finds as another body. So each body, in the order given, is the first
    person if that one's time is not yet taken, else the second, else nobody.
    """
    people = np.zeros((frames, min(len(bodies), PERSONS), JOINTS, COORDINATES), np.float32)
    notes = []
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
        else:
            notes.append(f"body {body.name} left out: both persons' time is taken by bodies that move more")
    return people, notes


def centred(people: np.ndarray) -> np.ndarray:
    """`people` (T, M, V, C), the origin moved to the middle of the first person's spine in that one's first frame."""
    first = int(people[:, 0].any(axis=(1, 2)).argmax())
    moved = people - people[first, 0, MIDDLE_OF_SPINE]
    if people.shape[1] > 1:
        # who is not there stays at zero; of a person alone, frames of zeros are moved like the others
        moved[people.reshape(*people.shape[:2], -1).sum(axis=2) == 0] = 0
    return moved


def _dropped(frames: int, why: str) -> list[str]:
    return [f"{frames} frames dropped: {why}"] if frames else []
