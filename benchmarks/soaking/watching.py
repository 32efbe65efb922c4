"""What a process holds from round to round, and when that counts as flat."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

LEAK = 5.0  # MB for 10,000 clips
ONCE = 24.0  # MB that an allocator may take at any time and keep
# what Paddle may keep of two loaders that have failed, until there are others
KEPT = {"shared": 0.0, "descriptors": 16, "threads": 8, "children": 0}
WARM_UP = 0.25  # of the samples
MEGABYTE = 1e6


class Held(NamedTuple):
    """What a process holds: its resident memory and that of its batches in /dev/shm in MB, the others as numbers."""

    memory: float
    shared: float
    descriptors: int
    threads: int
    children: int


def held() -> Held:
    """What this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    mine = [os.getpid(), *children()]
    shared = sum(_size(file) for process in mine for file in Path("/dev/shm").glob(f"paddle_{process}_*"))
    descriptors, threads = (sum(1 for _ in Path(f"/proc/self/{what}").iterdir()) for what in ("fd", "task"))
    return Held(pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE, shared / MEGABYTE, descriptors, threads, len(children()))


def children() -> list[int]:
    """The processes that this one has started and that have not been waited for."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == os.getpid():
            found.append(int(folder.name))
    return found


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


class Watch:
    """What this process holds from round to round.

    After the warm-up, memory may grow by :data:`LEAK` for 10,000 clips, as a straight line through the samples says,
    or by :data:`ONCE` in all. Of the other things there must not be more after every round of the second half than
    after some round of the first, but for :data:`KEPT`.
    """

    def __init__(self) -> None:
        self.clips: list[int] = []
        self.held: list[Held] = []

    def note(self, done: int) -> None:
        """Take a sample, after `done` clips in all."""
        self.clips.append(done)
        self.held.append(held())

    def growth(self) -> tuple[float, float]:
        """(MB for 10,000 clips, MB in all) after the warm-up."""
        first = int(len(self.clips) * WARM_UP)
        done, memory = np.array(self.clips[first:]), np.array([sample.memory for sample in self.held[first:]])
        if len(done) < 2:
            return 0.0, 0.0
        slope = float(np.polyfit(done - done[0], memory, 1)[0])
        return slope * 10_000, slope * float(done[-1] - done[0])

    def problems(self) -> Iterator[str]:
        """What is not as it should be."""
        rate, total = self.growth()
        if rate > LEAK and total > ONCE:
            yield f"memory grows by {rate:.1f} MB for 10,000 clips, {total:.0f} MB in all"
        half = len(self.held) // 2
        for name, kept in KEPT.items():
            numbers = [getattr(sample, name) for sample in self.held]
            if half and min(numbers[half:]) - min(numbers[:half]) > kept:
                yield f"{name}: {min(numbers[:half])} at first, never below {min(numbers[half:])} later"

    def summary(self) -> dict[str, Any]:
        """For the record."""
        rate, total = self.growth()
        ends = {"first": self.held[0]._asdict(), "last": self.held[-1]._asdict()} if self.held else {}
        every = max(1, len(self.clips) // 50)
        series = [[done, round(sample.memory, 1)] for done, sample in zip(self.clips, self.held)][::every]
        return {
            "growth_mb_per_10000_clips": round(rate, 3),
            "growth_mb": round(total, 2),
            "held": {name: {key: round(value, 1) for key, value in end.items()} for name, end in ends.items()},
            "clips_and_mb": series,
        }
