"""Which frames of a clip are shown, and for how long."""

from __future__ import annotations

import math
from typing import NamedTuple, Optional

import numpy as np

from ctrgcn_plugin.errors import ConfigError

FPS = 30.0  # of the Kinect, and of most videos
MOST = 1000  # frames a second
# of a GIF's clock
TICKS = 100  # in a second
FASTEST = 2  # for a frame; of one with less, browsers make a tenth of a second


class Timing(NamedTuple):
    """Frames of a clip, and how many of them are shown in a second."""

    frames: np.ndarray
    fps: float


def spread(length: int, frames: int) -> np.ndarray:
    """At most so many of the frames 0 ... length - 1, the first and the last among them.

    Raises:
        ConfigError: that is none.
    """
    if frames < 1:
        raise ConfigError(f"cannot draw frames={frames}: at least 1")
    return np.unique(np.linspace(0, length - 1, min(frames, length)).round().astype(int))


def thinned(length: int, fps: float, frames: Optional[int] = None) -> Timing:
    """At most `frames` of a clip of `length` at `fps`, evenly spread over the same time; all where that is None.

    Raises:
        ConfigError: that is none, or nothing can be played at such a speed.
    """
    if not 0 < fps <= MOST:
        raise ConfigError(f"cannot play {fps:g} frames a second: above 0, up to {MOST}")
    chosen = spread(length, length if frames is None else frames)
    return Timing(chosen, fps * len(chosen) / length)


def in_ticks(length: int, fps: float, frames: int) -> Timing:
    """The same on the clock of a GIF: each frame stays for as many whole ticks, so the time is nearly the same."""
    thin = thinned(length, fps, frames)
    ticks = max(math.ceil(TICKS / thin.fps - 1e-6), FASTEST)
    fitting = max(round(length / fps * TICKS / ticks), 1)
    return Timing(spread(length, fitting), TICKS / ticks)
