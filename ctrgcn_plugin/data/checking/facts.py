"""What is measured of each clip, in one pass over a data file; the checks look at nothing else of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice
from typing import NamedTuple

import numpy as np

from ctrgcn_plugin import terminal
from ctrgcn_plugin.data.prepared import AnyPath, open_clips
from ctrgcn_plugin.layouts import Layout

CHUNK = 1 << 24  # bytes that are mapped at once
BLOCK = 1024  # clips whose facts become arrays at once


class Facts(NamedTuple):
    """Measures of one clip, or of N, with an axis for them before the others.

    Attributes:
        frames: up to the last one with anybody in it; what follows is padding.
        nan, infinite: how many values are.
        gaps: frames among `frames` with nobody in them.
        headless: frames with another person and without the first.
        repeated: frames at the end that are equal to the one before them.
        lost: which part of the values is NaN or infinite, of those persons of whom any value is neither; 0 to 1.
        persons: (M,) bool: who is there in any frame.
        reach: (V,) the largest absolute coordinate of each joint.
        step: (V,) the longest way of each joint from one frame to the next, of those who are there in both.
        trunk: the median length of the trunk; NaN without one.
        content: a hash of the values in `frames`; the same whatever the padding.
    """

    frames: np.ndarray
    nan: np.ndarray
    infinite: np.ndarray
    gaps: np.ndarray
    headless: np.ndarray
    repeated: np.ndarray
    lost: np.ndarray
    persons: np.ndarray
    reach: np.ndarray
    step: np.ndarray
    trunk: np.ndarray
    content: np.ndarray

    @property
    def typical_trunk(self) -> float:
        """The median of the clips' trunks; 0 where there are none."""
        known = self.trunk[np.isfinite(self.trunk)]
        return float(np.median(known)) if len(known) else 0.0


def of_file(path: AnyPath, layout: Layout | None = None) -> Facts:
    """The facts of all clips in a ``.npy`` file; see :func:`measure`."""
    number, coordinates, _, joints, persons = open_clips(path).shape
    clips = terminal.progress(each_clip(path), number, "clip", str(path), leave=False)
    facts = (measure(clip, layout) for clip in clips)
    nothing = measure(np.zeros((coordinates, 1, joints, persons), np.float32), layout)
    parts = [[np.array([fact])[:0] for fact in nothing]]
    while some := list(islice(facts, BLOCK)):
        parts.append([np.array(column) for column in zip(*some)])
    return Facts(*map(np.concatenate, zip(*parts)))


def each_clip(path: AnyPath) -> Iterator[np.ndarray]:
    """The clips of a ``.npy`` file, (C, T, V, M) each, one after the other.

    The file is mapped anew for each chunk, since the pages of a mapping count as this process's memory until it ends.
    """
    clips = open_clips(path)
    total, size = len(clips), max(1, CHUNK // max(1, clips[:1].nbytes))
    del clips
    for start in range(0, total, size):
        yield from open_clips(path)[start : start + size]


def measure(clip: np.ndarray, layout: Layout | None = None) -> Facts:
    """The facts of one clip.

    Args:
        clip: (C, T, V, M) of any numbers; they are looked at as float32, as a network would.
        layout: says which joints the trunk is between, and how many of the C are coordinates and not a confidence;
            without one there is no trunk, and all of the C are.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        clip = np.asarray(clip, np.float32)
        there = _there(clip)
        anybody, ever = np.any(there, axis=1), np.any(there, axis=0)
        frames, persons = _up_to_last(anybody), _up_to_last(ever)
        # What is padding, and most clips' second person, takes most of the file and none of the time. The joints go
        # last, because NumPy is slow to reduce where the last axis is as short as that of persons.
        clip = np.ascontiguousarray(clip[:, :frames, :, :persons].swapaxes(2, 3))
        here = there[:frames, :persons]
        content = hashlib.sha256(clip.tobytes()).digest()[:8]
        nan, infinite, lost = 0, 0, 0.0
        known = np.isfinite(clip)
        if not known.all():
            nan, infinite = int(np.isnan(clip).sum()), int(np.isinf(clip).sum())
            seen = np.any(known & (clip != 0), axis=(0, 1, 3))
            lost = 1 - known[:, here & seen].mean() if seen.any() else 1.0
            clip[~known] = np.nan
        space = clip[: layout.dimensions] if layout else clip
        steps = np.square(np.diff(space, axis=1)).sum(axis=0)
        poses = space[:, here]
        return Facts(
            frames=np.asarray(frames),
            nan=np.asarray(nan),
            infinite=np.asarray(infinite),
            gaps=(~anybody[:frames]).sum(),
            headless=(anybody & ~there[:, 0]).sum(),
            repeated=np.asarray(len(steps) - _up_to_last(np.any(steps, axis=(1, 2)))),
            lost=np.asarray(lost),
            persons=ever,
            reach=np.fmax.reduce(np.abs(poses), axis=(0, 1), initial=0),
            step=np.sqrt(np.fmax.reduce(steps[here[1:] & here[:-1]], axis=0, initial=0)),
            trunk=_trunk(poses, layout.trunk if layout else ()),
            content=np.frombuffer(content, np.uint64)[0],
        )


def _there(clip: np.ndarray) -> np.ndarray:
    """(T, M) bool: who is there when, with any value that is not zero."""
    _, frames, joints, persons = clip.shape
    seen = (clip != 0).any(axis=0).reshape(frames, joints * persons)
    # a product with ones, because NumPy's any() is ten times as slow where the last axis is short
    return seen @ _sum_over_joints(joints, persons) > 0


@cache
def _sum_over_joints(joints: int, persons: int) -> np.ndarray:
    """(V * M, M): a product with it sums over V."""
    return np.tile(np.eye(persons, dtype=np.float32), (joints, 1))


def _up_to_last(flags: np.ndarray) -> int:
    """How many flags there are up to the last that is set."""
    set_ = np.flatnonzero(flags)
    return int(set_[-1]) + 1 if len(set_) else 0


def _trunk(poses: np.ndarray, pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    """The median length of the trunk in `poses` (C, P, V), of one person in one frame each."""
    lengths = np.zeros(poses.shape[1], np.float32)
    for one, other in pairs:
        lengths += np.sqrt(np.square(poses[..., one] - poses[..., other]).sum(axis=0)) / len(pairs)
    lengths = np.sort(lengths[np.isfinite(lengths) & (lengths > 0)])
    return lengths[len(lengths) // 2] if len(lengths) else np.float32(np.nan)
