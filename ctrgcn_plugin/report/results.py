"""What a test says in numbers: how often a network is right, on the whole and for each class, and what it confuses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Optional

import numpy as np

from ctrgcn_plugin.data.scores import TOP, class_accuracy, confusion

LEVEL = 0.95


@dataclass(frozen=True)
class Share:
    """`right` of `total` clips, and the interval in which the true share lies, see :func:`wilson`; shares are of 1."""

    right: int
    total: int

    @property
    def value(self) -> float:
        return self.right / self.total

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.right, self.total)


@dataclass(frozen=True)
class ClassResult:
    """How one class does.

    Attributes:
        clips: that are of this class.
        predicted: clips that are taken for it, rightly or wrongly.
        right: clips that are both.
        confused_with, confused: the class that its clips are most often taken for by mistake, and how many are.
    """

    index: int
    clips: int
    predicted: int
    right: int
    confused_with: Optional[int]
    confused: int

    @property
    def recall(self) -> Optional[float]:
        """Of its clips, the share that is found; None without clips."""
        return self.right / self.clips if self.clips else None

    @property
    def precision(self) -> Optional[float]:
        """Of what is taken for it, the share that is it; None where nothing is."""
        return self.right / self.predicted if self.predicted else None

    @property
    def f1(self) -> Optional[float]:
        """The harmonic mean of both; None for a class that is neither there nor predicted."""
        return 2 * self.right / (self.clips + self.predicted) if self.clips + self.predicted else None


@dataclass(frozen=True)
class Confusion:
    """`clips` of class `true`, of `total`, that are taken for `predicted`."""

    true: int
    predicted: int
    clips: int
    total: int


@dataclass(frozen=True, eq=False)
class Results:
    """A test in numbers.

    Attributes:
        top1: clips whose class comes first.
        top5: clips whose class is among the first five; None where there are no more than five classes.
        mean_class: the mean over classes of the share of their clips that is right, of 1.
        taken: (K, K), how many clips of each class (row) are taken for each (column).
    """

    top1: Share
    top5: Optional[Share]
    mean_class: float
    taken: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, labels: np.ndarray) -> Results:
        """Of scores (N, K) and the right classes (N,), one clip at least."""
        clips, classes = values.shape
        taken = confusion(values, labels)
        top5 = None
        if classes > TOP:
            first = np.argsort(-values, axis=1, kind="stable")[:, :TOP]
            top5 = Share(int((first == labels[:, None]).any(axis=1).sum()), clips)
        return cls(Share(int(taken.trace()), clips), top5, float(np.nanmean(class_accuracy(taken))), taken)

    @property
    def classes(self) -> list[ClassResult]:
        """Every class in its order."""
        wrong = self._wrong()
        worst = wrong.argmax(axis=1)
        return [
            ClassResult(
                index,
                clips=int(row.sum()),
                predicted=int(self.taken[:, index].sum()),
                right=int(row[index]),
                confused_with=int(worst[index]) if wrong[index].any() else None,
                confused=int(wrong[index].max()),
            )
            for index, row in enumerate(self.taken)
        ]

    def confusions(self, most: Optional[int] = None) -> list[Confusion]:
        """Pairs of classes that are confused, the most frequent first; of equally frequent ones the larger share."""
        wrong, clips = self._wrong(), self.taken.sum(axis=1)
        pairs = [Confusion(int(t), int(p), int(wrong[t, p]), int(clips[t])) for t, p in np.argwhere(wrong)]
        return sorted(pairs, key=lambda pair: (-pair.clips, pair.total, pair.true, pair.predicted))[:most]

    def _wrong(self) -> np.ndarray:
        return self.taken * (1 - np.eye(len(self.taken), dtype=self.taken.dtype))


def wilson(right: int, total: int, level: float = LEVEL) -> tuple[float, float]:
    """The score interval of a binomial share (Wilson 1927), which keeps its level for few clips and shares near 1.

    It holds for clips that are independent of each other; those of one subject are less so, and the truth is wider.
    """
    z2 = NormalDist().inv_cdf((1 + level) / 2) ** 2
    share = right / total
    middle = share + z2 / (2 * total)
    half = math.sqrt(z2 * (share * (1 - share) + z2 / (4 * total)) / total)
    low, high = ((middle + side * half) / (1 + z2 / total) for side in (-1, 1))
    # at the ends it reaches them exactly, but for rounding
    return (0.0 if not right else low), (1.0 if right == total else high)


def worst_clips(probabilities: np.ndarray, labels: np.ndarray, pair: Confusion, most: int) -> Sequence[int]:
    """Rows of the clips of `pair`, that with the largest probability of the wrong class first.

    Args:
        probabilities: (N, K).
        labels: (N,).
    """
    rows = np.flatnonzero((labels == pair.true) & (probabilities.argmax(axis=1) == pair.predicted))
    return rows[np.argsort(-probabilities[rows, pair.predicted], kind="stable")][:most].tolist()
