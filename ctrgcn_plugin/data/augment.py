"""Random changes of a clip that leave its action what it is, for training.

Shear and scale are linear maps of the coordinates, the same for all of a clip (Rao et al. 2021, arXiv 2008.00188, the
shear); the mirror image swaps the body's sides; lost joints are zero, as those that a pose estimator did not find; lost
frames are closed up; a pace that varies stretches some parts of the clip and squeezes others (Um et al. 2017, arXiv
1706.00527, time-warping). All numbers are drawn from NumPy's global random state, as upstream's steps do, and only
those that a setting needs.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from numbers import Real

import numpy as np

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.sample import between_frames, valid_frames
from ctrgcn_plugin.errors import ClipError, ConfigError

# in a clip whose pace varies, so many parts of equal length each have their own
PACES = 4


@dataclass(frozen=True)
class Augmentation:
    """Augments clips (C, T, V, M) -> a new array of the same shape, float32.

    Each setting is a number from 0, which is off, to 1; the two that drop something stay below 1. Persons who are all
    zero stay so. Of the C channels as many as the layout has dimensions are coordinates; the rest, a confidence or the
    like, is not sheared, scaled or mirrored. All is meant for joints in the unit and the place that they were prepared
    in, so it comes before bones and motion are made of them.

    Attributes:
        shear: every coordinate gets a part of every other added, drawn from -shear to shear.
        flip: probability of the mirror image: left and right joints swapped, the first coordinate negated.
        drop_joints: probability of each joint of each person to be zero in the whole clip.
        drop_frames: this part of the valid frames, rounded down, is drawn and left out; the rest moves up, and zeros
            follow.
        speed: the pace of each of :data:`PACES` parts of the valid frames is a factor from 1 / (1 + speed) to
            1 + speed. Their number stays the same: a pace that is constant would be lost as soon as a clip is
            resampled to a fixed length.
        scale: the factor by which the body's size is multiplied, from 1 / (1 + scale) to 1 + scale.
        graph: the layout of the clips.
    """

    shear: float = 0
    flip: float = 0
    drop_joints: float = 0
    drop_frames: float = 0
    speed: float = 0
    scale: float = 0
    graph: str = layouts.DEFAULT

    def __post_init__(self) -> None:
        for field in fields(self)[:-1]:
            _check(field.name, getattr(self, field.name))
        # a graph that does not exist is refused here, whatever is on
        layout = self._layout
        if self.flip and not layout.mirror:
            raise ConfigError(
                f"flip is {self.flip}, but graph {self.graph!r} names no left and right joints to swap; "
                "name its pairs in the layout's left_right, or set flip to 0"
            )

    @cached_property
    def _layout(self) -> layouts.Layout:
        return layouts.get(self.graph)

    def apply(self, clip: np.ndarray) -> np.ndarray:
        """The clip, changed."""
        if clip.shape[2] != self._layout.num_joints:
            raise ClipError(
                f"a clip of {clip.shape[2]} joints is no {self.graph!r}, which has {self._layout.num_joints}; "
                "give the graph of the data"
            )
        shown = self._lose_joints(self._move(self._play(clip[:, : valid_frames(clip)])))
        result = np.zeros(clip.shape, dtype=np.float32)
        result[:, : shown.shape[1]] = shown
        return result

    def _play(self, clip: np.ndarray) -> np.ndarray:
        """A clip without padding with other frames: `drop_frames` and `speed`."""
        if self.drop_frames:
            frames = clip.shape[1]
            kept = np.random.permutation(frames)[int(self.drop_frames * frames) :]
            clip = clip.take(np.sort(kept), axis=1)
        return between_frames(clip, self._moments(clip.shape[1])) if self.speed else clip

    def _moments(self, frames: int) -> np.ndarray:
        """(frames,) float32: which moment of a clip, counted in its frames, is shown in each frame."""
        ends = np.linspace(0, frames - 1, PACES + 1)
        durations = 1 / _factors(self.speed, PACES)
        times = np.concatenate([[0], np.cumsum(durations)])
        return np.interp(np.linspace(0, times[-1], frames), times, ends).astype(np.float32)

    def _move(self, clip: np.ndarray) -> np.ndarray:
        """A clip with other coordinates: `shear`, `scale` and `flip`."""
        if not (self.shear or self.scale or self.flip):
            return clip
        axes = min(clip.shape[0], self._layout.dimensions)
        matrix = np.eye(axes)
        if self.shear:
            matrix += np.random.uniform(-self.shear, self.shear, (axes, axes)) * (1 - matrix)
        if self.scale:
            matrix *= _factors(self.scale)
        if self.flip and np.random.random() < self.flip:
            clip = clip.take(self._layout.mirrored(), axis=2)
            matrix[:, 0] *= -1
        moved = clip.astype(np.float32)
        moved[:axes] = (matrix.astype(np.float32) @ moved[:axes].reshape(axes, -1)).reshape(axes, *clip.shape[1:])
        return moved

    def _lose_joints(self, clip: np.ndarray) -> np.ndarray:
        """A clip with joints that are zero: `drop_joints`."""
        if not self.drop_joints:
            return clip
        return clip * (np.random.random(clip.shape[2:]) >= self.drop_joints)


def _factors(spread: float, size: int = 1) -> np.ndarray:
    """(size,) factors from 1 / (1 + spread) to 1 + spread, as likely to be above 1 as below."""
    return np.exp(np.random.uniform(-1, 1, size) * np.log1p(spread))


def _check(name: str, value: object) -> None:
    below_one = name.startswith("drop_")
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not 0 <= value <= 1 or (below_one and value == 1):  # type: ignore[operator]
        upper = "below 1" if below_one else "1"
        raise ConfigError(f"{name} must be a number from 0, which is off, to {upper}, got {value!r}")
