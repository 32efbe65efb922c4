"""What a network is given at test time: one clip, read, checked and resampled to a fixed length.

:func:`centre_crop_resample` computes what upstream's ``SketeonCropSample`` does with a ``p_interval``
of one element, in NumPy. Stock upstream also drops a frame at the clip's end for each empty one before it;
the run-time fix ``gap-in-clip`` ends that.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Union

import numpy as np

from ctrgcn_plugin.data import arrays
from ctrgcn_plugin.errors import ClipError, ConfigError

LOG = logging.getLogger(__name__)
AXES = ("coordinates C", "frames T", "joints V", "persons M")


def valid_frames(clip: np.ndarray) -> int:
    """How many frames a clip (C, T, V, M) has up to the last one with anybody in it.

    A frame is empty if all its values are zero. Empty frames before the last are part of the clip.
    """
    # a search for the last byte that is set is several times as fast as any() along three axes
    seen = (clip != 0).any(axis=0)
    return seen.tobytes().rfind(True) // max(seen[:1].size, 1) + 1


def persons_in(clip: np.ndarray) -> int:
    """How many persons a clip (C, T, V, M) has up to the last one who is not all zero; at least one."""
    there = np.flatnonzero(clip.any(axis=(0, 1, 2)))
    return int(there[-1]) + 1 if len(there) else 1


def centre_crop_resample(clip: np.ndarray, window_size: int, p: float) -> np.ndarray:
    """The middle of a clip, resampled along time.

    Args:
        clip: (C, T, V, M). What follows the last frame with anybody in it is padding, see :func:`valid_frames`.
        window_size: frames of the result.
        p: which part of the valid frames to keep, above 0 and up to 1.

    Returns:
        (C, window_size, V, M) float32; zeros for a clip without a valid frame.
    """
    if window_size < 1 or not 0 < p <= 1:
        raise ConfigError(f"window_size must be at least 1 and p in (0, 1], got {window_size} and {p}")
    start, length = middle(valid_frames(clip), p)
    return resample(clip[:, start : start + length], window_size)


def middle(valid: int, p: float) -> tuple[int, int]:
    """(first frame, number of frames) of the middle part `p` of so many frames."""
    margin = int((1 - p) * valid / 2)
    return margin, valid - 2 * margin


def resample(clip: np.ndarray, window_size: int, moments: Union[float, np.ndarray] = 0.5) -> np.ndarray:
    """Linear interpolation along time with frames as intervals (``align_corners=False``): (C, T, V, M) float32.

    For windows of two frames and more this is Paddle's ``bilinear`` to the last bit. No frames give zeros.

    Args:
        moments: where in its interval each frame of the result is, from 0 to 1: a number, or one for each.
    """
    frames = clip.shape[1]
    if not frames:
        return np.zeros((clip.shape[0], window_size, *clip.shape[2:]), dtype=np.float32)
    # in float32 as Paddle's kernel, so that the weights are the same to the last bit
    step = np.float32(frames) / np.float32(window_size)
    centres = (np.arange(window_size, dtype=np.float32) + np.asarray(moments, np.float32)) * step - np.float32(0.5)
    return between_frames(clip, np.maximum(centres, np.float32(0)))


def between_frames(clip: np.ndarray, position: np.ndarray) -> np.ndarray:
    """A clip (C, T, V, M) at moments between its frames, by linear interpolation: (C, len(position), V, M) float32.

    Args:
        position: in frames, 0 or later, float32; after the last frame there is the last frame.
    """
    clip = clip.astype(np.float32, copy=False)
    before = position.astype(np.int64)
    weight = (position - before.astype(np.float32))[:, None, None]
    # not by clip[:, before], which is slower, and in place
    early, late = clip.take(before, axis=1, mode="clip"), clip.take(before + 1, axis=1, mode="clip")
    early *= 1 - weight
    late *= weight
    early += late
    return early


def read_clip(path: Union[str, os.PathLike[str]], clip_shape: tuple[int, int, int]) -> np.ndarray:
    """The clip in a ``.npy`` file.

    Args:
        clip_shape: (C, V, M) that the model takes, as a backbone's ``clip_shape``.

    Returns:
        (C, T, V, M) float32.

    Raises:
        ClipError: there is no such file, it is no ``.npy`` file, or :func:`check_clip` refuses its content.
    """
    if not Path(path).is_file():
        raise ClipError(f"no clip at {path}; give a .npy file of ({', '.join(AXES)})")
    # mapped, so that a whole data set given by mistake is refused without being read
    return check_clip(arrays.opened(path), clip_shape, f"clip {path}")


def check_clip(clip: np.ndarray, clip_shape: tuple[int, int, int], source: str) -> np.ndarray:
    """`clip` as float32 if a model that takes `clip_shape` (C, V, M) can use it, else a :class:`ClipError`.

    Args:
        source: names the clip in an error, and in the log, which says of other numbers that they were converted.
    """
    channels, joints, persons = clip_shape
    needed = f"({channels}, T, {joints}, {persons}), which are ({', '.join(AXES)})"
    if clip.dtype.kind not in "fiu":
        raise ClipError(f"{source} holds values of type {clip.dtype}; numbers of shape {needed} are needed")
    if clip.ndim != len(AXES):
        raise ClipError(f"{source} has {clip.ndim} axes, shape {clip.shape}; one clip of shape {needed} is needed")
    if (clip.shape[0], *clip.shape[2:]) != tuple(clip_shape):
        raise ClipError(f"{source} has shape {clip.shape}; the model needs {needed}")
    if clip.shape[1] == 0:
        raise ClipError(f"{source} has no frames, shape {clip.shape}; at least one is needed")
    with np.errstate(over="ignore"):
        values = np.asarray(clip, dtype=np.float32)
    finite = np.isfinite(values)
    if not finite.all():
        frame = int(np.argmin(finite.all(axis=(0, 2, 3))))
        raise ClipError(
            f"{source} has {int((~finite).sum())} values that are NaN or infinite as float32, "
            f"the first in frame {frame} (from 0); clean or drop such frames"
        )
    if clip.dtype != np.float32:
        doubt = ": integers are seldom in the unit of training data" if clip.dtype.kind in "iu" else ""
        LOG.warning("%s holds %s, used as float32%s", source, clip.dtype, doubt)
    return values
