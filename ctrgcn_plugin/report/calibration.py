"""Whether a network is as often right as it says.

The confidence of an answer is the largest of its probabilities, after softmax. Of answers with a confidence of 0.8, a
calibrated network has 80 % right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np

from ctrgcn_plugin.data.scores import softmax

BINS = 15  # as Guo et al. 2017


@dataclass(frozen=True)
class Bin:
    """Answers whose confidence is above `low` (from it on in the first bin) and up to `high`.

    Attributes:
        confidence: the mean of theirs; None without answers.
        accuracy: the share of them that is right; None without answers.
    """

    low: float
    high: float
    clips: int
    confidence: Optional[float]
    accuracy: Optional[float]


@dataclass(frozen=True)
class Calibration:
    """How probabilities and truth agree.

    Attributes:
        bins: of equal width, from 0 to 1.
        ece: expected calibration error (Naeini et al. 2015; Guo et al. 2017): the mean over clips of their bin's
            distance between confidence and accuracy.
        confidence: the mean over clips; above the accuracy, the network is overconfident.
        nll: the mean negative log-likelihood of the right class, in nats.
        brier: the mean over clips of the squared distance between the probabilities and the right answer, summed over
            classes (Brier 1950): from 0 to 2.
    """

    bins: Sequence[Bin]
    ece: float
    confidence: float
    nll: float
    brier: float


def calibrate(values: np.ndarray, labels: np.ndarray, bins: int = BINS) -> Calibration:
    """The calibration of scores (N, K), before softmax, against the right classes (N,); one clip at least."""
    values = values.astype(np.float64)
    probabilities = softmax(values)
    rows = np.arange(len(labels))
    confidence, right = probabilities.max(axis=1), values.argmax(axis=1) == labels
    edges = np.linspace(0, 1, bins + 1)
    # a confidence on an edge belongs to the bin below it
    place = np.searchsorted(edges[1:-1], confidence, side="left")
    counts = np.bincount(place, minlength=bins)
    of_confidence, of_right = (np.bincount(place, weights, bins) for weights in (confidence, right))
    largest = values.max(axis=1)
    # not the log of the probability, which may have become 0
    likelihood = values[rows, labels] - largest - np.log(np.exp(values - largest[:, None]).sum(axis=1))
    distance = probabilities.copy()
    distance[rows, labels] -= 1
    return Calibration(
        bins=[
            Bin(float(low), float(high), int(n), float(c / n) if n else None, float(r / n) if n else None)
            for low, high, n, c, r in zip(edges, edges[1:], counts, of_confidence, of_right)
        ],
        ece=float(np.abs(of_confidence - of_right).sum() / len(labels)),
        confidence=float(confidence.mean()),
        nll=float(-likelihood.mean()),
        brier=float(np.square(distance).sum(axis=1).mean()),
    )
