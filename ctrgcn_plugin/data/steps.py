"""The steps between a clip as it is stored and one as a network is given it, in NumPy.

Unless a setting of their own says otherwise they compute what upstream's ``SketeonCropSample`` and ``RandomRotation``
do, and draw the same numbers from NumPy's global random state in the same order: one seed gives the same clips, to the
last bit. No step changes its input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Union

import numpy as np

from ctrgcn_plugin.data.sample import middle, resample, valid_frames
from ctrgcn_plugin.errors import ClipError, ConfigError

# upstream's: a random crop is no shorter, unless the clip is
SHORTEST_CROP = 64


@dataclass(frozen=True)
class CropResample:
    """A part of a clip's valid frames, resampled to a fixed length: (C, T, V, M) -> (C, window_size, V, M) float32.

    A clip without anybody in it gives zeros, and draws nothing.

    Attributes:
        window_size: frames of the result.
        p_interval: ``[p]``, or the number: the middle p of the valid frames. ``[low, high]``: a part drawn from this
            range, but at least :data:`SHORTEST_CROP` frames, from a place that is drawn as well.
        jitter: the crop is cut into window_size parts of equal length, and each frame of the result is a moment drawn
            from its part, as uniform sampling (Duan et al. 2022, arXiv 2104.13586) draws a frame; otherwise its middle.
    """

    window_size: int
    p_interval: Union[float, Sequence[float]] = 1.0
    jitter: bool = False

    def __post_init__(self) -> None:
        parts = self._parts
        numbers = all(isinstance(part, Real) and not isinstance(part, bool) for part in parts)
        if not numbers or len(parts) not in (1, 2) or not 0 < parts[0] <= parts[-1] <= 1:
            raise ConfigError(f"p_interval must be [p] or [low, high] with parts in (0, 1], got {self.p_interval!r}")
        if not isinstance(self.window_size, int) or self.window_size < 1:
            raise ConfigError(f"window_size must be a number of frames, at least 1, got {self.window_size!r}")
        if not isinstance(self.jitter, bool):
            raise ConfigError(f"jitter must be true or false, got {self.jitter!r}")

    @property
    def _parts(self) -> tuple[float, ...]:
        return tuple(self.p_interval) if isinstance(self.p_interval, Sequence) else (self.p_interval,)

    def apply(self, clip: np.ndarray) -> np.ndarray:
        """The part of the clip, resampled."""
        valid = valid_frames(clip)
        if len(self._parts) == 1:
            start, length = middle(valid, self._parts[0])
        else:
            start, length = self._draw(valid) if valid else (0, 0)
        part = clip[:, start : start + length]
        moments = np.random.rand(self.window_size) if self.jitter and length else 0.5
        return resample(part, self.window_size, moments)

    def _draw(self, valid: int) -> tuple[int, int]:
        """(first frame, number of frames) of a crop."""
        low, high = self._parts
        part = np.random.rand() * (high - low) + low
        length = min(max(int(valid * part), SHORTEST_CROP), valid)
        return np.random.randint(0, valid - length + 1), length


@dataclass(frozen=True)
class Rotation:
    """All of a clip turned about the origin by three drawn angles: (C, T, V, M) -> the same shape, float32.

    A clip of two coordinates is turned in its plane, by the last of the angles.

    Attributes:
        theta: the angles are from -theta to theta, in radians: one for all, or ``[x, y, z]`` for those about each axis.
    """

    theta: Union[float, Sequence[float]] = 0.3

    def __post_init__(self) -> None:
        angles = self.theta if isinstance(self.theta, Sequence) else [self.theta] * 3
        if len(angles) != 3 or not all(isinstance(angle, Real) and angle >= 0 for angle in angles):
            raise ConfigError(f"theta must be an angle in radians, at least 0, or [x, y, z], got {self.theta!r}")

    def apply(self, clip: np.ndarray) -> np.ndarray:
        """The clip, turned."""
        coordinates = clip.shape[0]
        if coordinates not in (2, 3):
            raise ClipError(f"a clip of {coordinates} coordinates cannot be turned; 2 or 3 are needed")
        limits = np.broadcast_to(np.asarray(self.theta, dtype=float), 3)
        angles = np.random.uniform(-limits, limits)
        if coordinates == 2:
            angles[:2] = 0
        # One product for all frames. Upstream makes one for each, with a copy of the matrix; an element is the sum of
        # the same three terms in both. In float64, of which float32 keeps less than half.
        matrix = rotation_matrix(angles)[:coordinates, :coordinates]
        return (matrix @ clip.reshape(coordinates, -1)).reshape(clip.shape).astype(np.float32)


def rotation_matrix(angles: np.ndarray) -> np.ndarray:
    """(3, 3) float64: about x, then y, then z, by angles (3,) in radians, each against the right-hand rule."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, cx, sx], [0, -sx, cx]])
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_z = np.array([[cz, sz, 0], [-sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x
