"""Something to be done for hours, in rounds."""

from __future__ import annotations

import faulthandler
import random
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable

from soaking.watching import Watch

LONGEST = 600  # seconds of a round; then the process shows where it stands, and ends
WRITTEN_EVERY = 60  # seconds


class Part(ABC):
    """Something to be done for hours.

    Attributes:
        counts: of what has happened.
        problems: of what should not have.
        slowest: seconds from a fault to the end that it leads to, the longest.
    """

    def __init__(self, name: str, rng: random.Random) -> None:
        self.name, self.rng = name, rng
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self.slowest = 0.0

    @abstractmethod
    def round(self) -> int:
        """Do it once; how many clips that were."""


def go_on(part: Part, seconds: float, rounds: int, report: Callable[[Watch], None]) -> None:
    """Rounds of a part for so long, and at least so many; a report every minute, and at the end."""
    watch, done, start, written = Watch(), 0, time.monotonic(), 0.0
    while time.monotonic() - start < seconds or len(watch.clips) < rounds:
        faulthandler.dump_traceback_later(LONGEST, exit=True)
        done += part.round()
        watch.note(done)
        if time.monotonic() - written > WRITTEN_EVERY:
            written = time.monotonic()
            report(watch)
    faulthandler.cancel_dump_traceback_later()
    report(watch)
