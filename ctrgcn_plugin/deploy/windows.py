"""Windows over a long video: which frames a network looks at once, and where the next window begins."""

from __future__ import annotations

import re
from typing import NamedTuple

from ctrgcn_plugin.errors import ConfigError

LENGTH = re.compile(r"(?P<number>[0-9]{1,9}(\.[0-9]{1,9})?)(?P<seconds>s?)")


class Window(NamedTuple):
    """Frames from `start` to before `stop`."""

    start: int
    stop: int


def frames_of(length: str, rate: float) -> int:
    """How many frames a length is that a user writes: ``64``, or ``2.5s`` at `rate` frames a second; at least one.

    Raises:
        ConfigError: it is no length, or in seconds where the rate is not known, which is 0.
    """
    found = LENGTH.fullmatch(length)
    if not found or (not found["seconds"] and "." in length) or not float(found["number"]):
        raise ConfigError(f"{length!r} is no length of time; give frames, like 64, or seconds, like 2.5s")
    if not found["seconds"]:
        return int(found["number"])
    if not rate:
        raise ConfigError(
            f"{length} cannot be told in frames: the clip does not say how many it has a second; give --fps"
        )
    return max(1, round(float(found["number"]) * rate))


def cut(frames: int, length: int, stride: int) -> list[Window]:
    """Windows of `length` frames, one every `stride`, the last one up to the end; one for all of fewer frames.

    Every frame is in one, unless `stride` is larger than `length`.
    """
    if length < 1 or stride < 1:
        raise ConfigError(f"window and stride must be at least one frame, got {length} and {stride}")
    starts = list(range(0, frames - length + 1, stride))
    if frames > 0 and (not starts or starts[-1] + length < frames):
        starts.append(max(frames - length, 0))
    return [Window(start, min(start + length, frames)) for start in starts]
