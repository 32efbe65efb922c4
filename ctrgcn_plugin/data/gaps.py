"""Coordinates that a sensor or a pose estimator did not see, filled from those that it saw."""

from __future__ import annotations

import numpy as np

LONGEST = 15  # frames; half a second at 30 frames a second


def fill(clip: np.ndarray, longest: int = LONGEST) -> tuple[np.ndarray, int]:
    """`clip` without NaN.

    A person of whom nothing is seen in a frame is absent there, which is zeros as in NTU's data, and no gap. Only
    between frames with that person, and for at most `longest` frames, is it a gap.

    A gap in a coordinate is filled linearly over time, at the ends with the nearest frame's value. A joint that is
    never seen gets the mean of the person's other joints in each frame: a place within the body, which moves with it
    and stays inside whatever the unit and the origin are. A coordinate that no joint of a person has is zero.

    Args:
        clip: (C, T, V, M), NaN where nothing was seen.
        longest: frames.

    Returns:
        (C, T, V, M) float32, equal to `clip` where that is no NaN; and how many values were filled, zeros of absent
        persons not among them.
    """
    filled = np.array(clip, dtype=np.float32)
    missing = np.isnan(filled)
    if not missing.any():
        return filled, 0
    present = _bridged(np.logical_or.reduce(~missing, axis=(0, 2)), longest)
    _interpolate(filled, missing)
    filled = np.where(np.isnan(filled), _mean_joint(filled), filled)
    absent = np.broadcast_to(~present[None, :, None], filled.shape)
    filled[absent] = 0
    return filled, int((missing & ~absent).sum())


def _bridged(seen: np.ndarray, longest: int) -> np.ndarray:
    """`seen` (T, M) bool with True also in between, where False lasts for at most `longest` frames."""
    bridged = seen.copy()
    for person in range(seen.shape[1]):
        frames = np.flatnonzero(seen[:, person])
        between = np.diff(frames) - 1
        for gap in np.flatnonzero((between > 0) & (between <= longest)):
            bridged[frames[gap] : frames[gap + 1], person] = True
    return bridged


def _interpolate(clip: np.ndarray, missing: np.ndarray) -> None:
    """Fill, in place, each series over time that has gaps and is not all gap."""
    times = np.arange(clip.shape[1])
    for c, v, m in np.argwhere(missing.any(axis=1) & ~missing.all(axis=1)):
        gap = missing[c, :, v, m]
        clip[c, gap, v, m] = np.interp(times[gap], times[~gap], clip[c, ~gap, v, m])


def _mean_joint(clip: np.ndarray) -> np.ndarray:
    """The mean over the joints that are no NaN, (C, T, 1, M); zero where all are."""
    known = ~np.isnan(clip)
    total = np.where(known, clip, 0).sum(axis=2, keepdims=True, dtype=np.float64)
    return (total / np.maximum(known.sum(axis=2, keepdims=True), 1)).astype(np.float32)
