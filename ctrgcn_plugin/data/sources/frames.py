"""Which frame of a clip something belongs to, by the number that a tool gave it."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from pathlib import Path, PurePath

from ctrgcn_plugin.errors import ClipError

MOST = 100_000  # frames of a clip: an hour of 25 a second
DIGITS = 18
LAST_NUMBER = re.compile(r"([0-9]+)[^0-9]*$")


def number_of(value: object) -> int | None:
    """The frame number that `value` is, or that a file name ends with before its suffix; None where there is none."""
    if isinstance(value, str):
        found = LAST_NUMBER.search(PurePath(value).stem)
        return int(found[1]) if found and len(found[1]) <= DIGITS else None
    return value if type(value) is int and abs(value) < 10**DIGITS else None


def places(numbers: Collection[int], file: Path) -> dict[int, int]:
    """The frame, from 0, of each number.

    The first number is frame 0, and the step from frame to frame is the largest that reaches all: a detector that
    looks at every second picture leaves no gaps. Numbers that are left out are frames in which nobody was seen.

    Raises:
        ClipError: that would be too many frames to be those of a clip.
    """
    ordered = sorted(set(numbers))
    step = math.gcd(*(after - before for before, after in zip(ordered, ordered[1:]))) or 1
    frames = {number: (number - ordered[0]) // step for number in ordered}
    if ordered and frames[ordered[-1]] >= MOST:
        raise ClipError(
            f"clip {file} has frames from {ordered[0]} to {ordered[-1]}, more than {MOST}; number them one by one"
        )
    return frames
