"""Fusing streams: networks trained on joints, bones and motions answer better together than the best alone.

The weighted mean of the streams' probabilities decides. CTR-GCN's own ensemble script sums the scores before softmax
(``raw``), which is right for networks of one recipe. Label smoothing, mixup or more epochs change how large scores get,
and so how much a stream counts; probabilities are of one size whatever the recipe, and the weights mean what they say.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Optional, Union

import numpy as np

from ctrgcn_plugin import terminal
from ctrgcn_plugin.data.scores import KINDS, Accuracy, ScoreError, Scores, softmax
from ctrgcn_plugin.errors import UserError

AnyPath = Union[str, "os.PathLike[str]"]

HEADINGS = ("stream", "weight", "top-1", "top-5", "mean class")
FUSED = "fused"


@dataclass(frozen=True)
class Stream:
    """One of the files: its weight, and how right it is alone, where labels are known."""

    file: str
    weight: float
    accuracy: Optional[Accuracy]


@dataclass(frozen=True, eq=False)
class Fused:
    """What streams say together.

    Attributes:
        scores: of the fused network. Softmax makes the fused probabilities of them.
        accuracy: of them; None where no labels are known.
    """

    streams: Sequence[Stream]
    scores: Scores
    accuracy: Optional[Accuracy]

    def lines(self) -> list[str]:
        """A table with a line for each stream, and what is to be known of it."""
        clips, classes = self.scores.values.shape
        rows = [_row(s.file, f"{s.weight:g}", s.accuracy) for s in self.streams]
        rows.append(_row(FUSED, "", self.accuracy))
        return [*terminal.table(HEADINGS, rows), f"{clips} clips, {classes} classes", *self._notes()]

    def as_json(self) -> str:
        """The same for programs; accuracies are shares of 1, and null where no labels are known."""
        clips, classes = self.scores.values.shape
        found = {
            "clips": clips,
            "classes": classes,
            "streams": [{**asdict(stream), "accuracy": _named(stream.accuracy)} for stream in self.streams],
            FUSED: _named(self.accuracy),
            "notes": list(self._notes()),
        }
        return json.dumps(found, indent=2)

    def save(self, path: AnyPath) -> None:
        """Write a score file, which can be fused again; see :mod:`ctrgcn_plugin.data.scores`."""
        self.scores.save(path)

    def _notes(self) -> Iterator[str]:
        if self.scores.labels is None:
            yield "no file has labels: there is no accuracy"
            if self.scores.names is None:
                yield "no file has names either: that all are of the same clips cannot be checked"


def fuse(files: Sequence[AnyPath], weights: Optional[Sequence[float]] = None, *, raw: bool = False) -> Fused:
    """Fuse the scores of streams.

    Args:
        files: score files of the same clips in the same order, see :mod:`ctrgcn_plugin.data.scores`.
        weights: one for each file, not negative; 1 each where it is None.
        raw: sum scores, not probabilities.

    Raises:
        ScoreError: a file cannot be read, or is of other clips or classes than the first.
        UserError: weights do not fit.
    """
    weights = _checked([1.0] * len(files) if weights is None else weights, len(files))
    read = {os.fspath(file): Scores.read(file) for file in files}
    known = {key: _shared(read, key) for key in KINDS}
    together = [read[os.fspath(file)].values.astype(np.float64) for file in files]
    total = np.sum([weight * (values if raw else softmax(values)) for weight, values in zip(weights, together)], axis=0)
    if not raw:
        total = np.log(np.maximum(total / sum(weights), np.finfo(np.float32).tiny))
    scores = Scores(total.astype(np.float32), **known)
    streams = [
        Stream(os.fspath(file), weight, Scores(values, known["labels"]).accuracy())
        for file, weight, values in zip(files, weights, together)
    ]
    return Fused(streams, scores, scores.accuracy())


def _checked(weights: Sequence[float], count: int) -> list[float]:
    if not count:
        raise UserError("no score files to fuse; give one for each stream")
    if len(weights) != count:
        raise UserError(f"{len(weights)} weights for {count} score files; give one for each")
    if not all(0 <= weight < np.inf for weight in weights) or not any(weights):
        raise UserError(f"weights must be finite, not negative, and not all zero; got {', '.join(map(str, weights))}")
    return list(map(float, weights))


def _shared(read: dict[str, Scores], key: str) -> Optional[np.ndarray]:
    """One of :data:`KINDS`, as all files that have it agree on."""
    (first, scores), *_ = read.items()
    known: Optional[np.ndarray] = None
    source = first
    for file, other in read.items():
        if other.values.shape != scores.values.shape:
            raise ScoreError(
                f"{file} has {_size(other)}, but {first} has {_size(scores)}; files must be of the same test"
            )
        found = getattr(other, key)
        if known is None:
            known, source = found, file
        elif found is not None and not np.array_equal(found, known):
            place, item = int((found != known).argmax()), ("clip", "class")[KINDS[key][0]]
            raise ScoreError(
                f"{key} of {file} differ from those of {source}, first at {item} {place} (from 0): {found[place]} and "
                f"{known[place]}; files must have the same clips in the same order"
            )
    return known


def _size(scores: Scores) -> str:
    clips, classes = scores.values.shape
    return f"{clips} clips of {classes} classes"


def _named(accuracy: Optional[Accuracy]) -> Optional[dict[str, float]]:
    return accuracy._asdict() if accuracy else None


def _row(name: str, weight: str, accuracy: Optional[Accuracy]) -> tuple[str, ...]:
    return (name, weight, *(f"{share:.2%}" for share in accuracy or ()), *([""] * (0 if accuracy else 3)))
