"""The last steps of a clip on its way from a data set's files. What they refuse, the caller names."""

from __future__ import annotations

import numpy as np

from ctrgcn_plugin.data import gaps
from ctrgcn_plugin.data.prepare.source import Reading
from ctrgcn_plugin.errors import ClipError

LARGEST = 1e9  # what lies further away is no coordinate in any unit


def check_size(positions: np.ndarray, largest: float = LARGEST) -> None:
    """A ClipError if a coordinate in (D, T, V, M) is larger; NaN is not."""
    far = (np.abs(positions) > largest).any(axis=(0, 2, 3))
    if far.any():
        raise ClipError(f"has coordinates above {largest:g}: the first in frame {int(far.argmax())} (from 0)")


def finished(positions: np.ndarray, confidence: np.ndarray | None = None) -> Reading:
    """A clip without gaps and without frames that show nobody.

    Args:
        positions: (D, T, V, M) in the unit and from the origin that they are to have; NaN for a joint not seen.
        confidence: (T, V, M), which becomes one more coordinate; 0 where a joint was not seen.

    Raises:
        ClipError: nobody is in any frame.
    """
    clip, filled = gaps.fill(positions)
    occupied = clip.any(axis=(0, 2, 3))
    if not occupied.any():
        raise ClipError("has nobody in any of its frames")
    if confidence is not None:
        certain = np.where(np.isnan(positions[0]), 0, confidence)
        clip = np.concatenate([clip, certain[None].astype(np.float32)])
    empty = int((~occupied).sum())
    notes = [f"{filled} values filled"] * (filled > 0) + [f"{empty} frames without anybody left out"] * (empty > 0)
    return Reading(clip[:, occupied], notes)
