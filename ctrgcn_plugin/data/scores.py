"""Score files: what a network answers to the clips of a test, kept to be fused with other streams' and looked at.

A file is a ``.npz`` with `scores` (N, K) float32 in the data's order, before softmax, and where they are known `labels`
(N,) int64 from 0, `names` (N,) of the clips and `classes` (K,), both text.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Optional, Union

import numpy as np

from ctrgcn_plugin.errors import UserError, one_line
from ctrgcn_plugin.files import replacing

AnyPath = Union[str, "os.PathLike[str]"]

SUFFIX = ".npz"
FORM = "a .npz of scores (N, K) and, where known, labels (N,), names (N,) and classes (K,)"
TOP = 5
# what a file may have besides scores -> which axis of these it goes along, and kinds of its values
KINDS = {"labels": (0, "iu"), "names": (0, "US"), "classes": (1, "US")}


class ScoreError(UserError, ValueError):
    """A score file is missing, unreadable, not of the form that is needed, or cannot be written."""


class Accuracy(NamedTuple):
    """Shares of 1: of clips with the right class first, of those with it among five, and the mean over classes."""

    top1: float
    top5: float
    mean_class: float


@dataclass(frozen=True, eq=False)
class Scores:
    """A network's answers to N clips.

    Attributes:
        values: (N, K), before softmax.
        labels: (N,), where known.
        names: (N,) of the clips, where known.
        classes: (K,) names, where known.
    """

    values: np.ndarray
    labels: Optional[np.ndarray] = None
    names: Optional[np.ndarray] = None
    classes: Optional[np.ndarray] = None

    @classmethod
    def read(cls, path: AnyPath) -> Scores:
        """The scores in a file.

        Raises:
            ScoreError: there is no such file, or it has not the form of one.
        """
        if not Path(path).is_file():
            raise ScoreError(f"no scores at {path}; a test saves them where its config has METRIC.scores: FILE{SUFFIX}")
        try:
            with np.load(path, allow_pickle=False) as file:
                found = {key: file[key] for key in ("scores", *KINDS) if key in file.files}
                there = ", ".join(file.files) or "nothing"
        except Exception as error:
            # a damaged archive raises whatever its bytes happen to mean
            raise ScoreError(f"scores {path} cannot be read: {one_line(error)}; {FORM} is needed") from error
        if "scores" not in found:
            raise ScoreError(f"{path} has no scores; it has {there}, and {FORM} is needed")
        values, (labels, names, classes) = found["scores"], map(found.get, KINDS)
        if values.ndim != 2 or not values.size or values.dtype.kind not in "fiu":
            raise ScoreError(f"scores of {path} have shape {values.shape} of {values.dtype}; numbers (N, K) are needed")
        for key, (axis, kinds) in KINDS.items():
            given = found.get(key)
            if given is not None and (given.shape != (values.shape[axis],) or given.dtype.kind not in kinds):
                raise ScoreError(
                    f"{key} of {path} have shape {given.shape} of {given.dtype}, beside scores {values.shape}; {FORM} "
                    "is needed"
                )
        if labels is not None:
            require_classes(labels, values.shape[1], path)
        bad = ~np.isfinite(values).all(axis=1)
        if bad.any():
            raise ScoreError(
                f"scores of {path} are NaN or infinite for {bad.sum()} of {len(bad)} clips, the first is "
                f"{int(bad.argmax())} (from 0); test weights whose training did not diverge"
            )
        return cls(values, labels, names, classes)

    def save(self, path: AnyPath) -> None:
        """Write the file, whole or not at all.

        Raises:
            ScoreError: it cannot be written.
        """
        arrays = {key: getattr(self, key) for key in KINDS}
        known = {key: np.asarray(array) for key, array in arrays.items() if array is not None}
        try:
            with replacing(target(path)) as file:
                np.savez(file, scores=self.values.astype(np.float32), **known)  # type: ignore[arg-type]
        except OSError as error:
            raise _unwritable(path, error) from error

    def accuracy(self) -> Optional[Accuracy]:
        """None where no labels are known."""
        if self.labels is None:
            return None
        order = np.argsort(-self.values, axis=1, kind="stable")[:, :TOP]
        right = order == self.labels[:, None]
        by_class = class_accuracy(confusion(self.values, self.labels))
        return Accuracy(float(right[:, 0].mean()), float(right.any(axis=1).mean()), float(np.nanmean(by_class)))


def softmax(scores: np.ndarray) -> np.ndarray:
    """(N, K) -> (N, K), each row of sum 1."""
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def confusion(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How many clips of each class (row) are taken for each (column): scores (N, K), labels (N,) -> (K, K)."""
    classes = scores.shape[1]
    pairs = labels.astype(np.int64) * classes + scores.argmax(axis=1)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def class_accuracy(taken: np.ndarray) -> np.ndarray:
    """Confusion (K, K) -> the share of each class that is right, (K,); NaN for a class without clips."""
    clips = taken.sum(axis=1)
    return np.divide(taken.diagonal(), clips, out=np.full(len(taken), np.nan), where=clips > 0)


def require_classes(labels: np.ndarray, classes: int, source: AnyPath) -> None:
    """Raise a ScoreError, which names `source`, for labels that are not from 0 to `classes` - 1."""
    low, high = labels.min(), labels.max()
    if low < 0 or high >= classes:
        raise ScoreError(f"labels of {source} go from {low} to {high}; scores are of {classes} classes")


def target(path: AnyPath) -> Path:
    """`path` as that of a score file which can be written; to be asked before a long test, its folder is made.

    Raises:
        ScoreError: it has another suffix, or its folder cannot be written to.
    """
    if not isinstance(path, (str, os.PathLike)) or Path(path).suffix != SUFFIX:
        raise ScoreError(f"scores cannot be saved as {path!r}; give a path that ends with {SUFFIX}")
    folder = Path(path).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error
    if not os.access(folder, os.W_OK):
        raise ScoreError(f"cannot write {path}: {folder} is not writable; give another file")
    return Path(path)


def save_tables(path: AnyPath, taken: np.ndarray, names: Sequence[str] = ()) -> list[Path]:
    """Write a confusion (K, K) beside the score file `path`: ``..._classes.csv`` and ``..._confusion.csv``.

    Classes have a column with their `names`, where these are known.

    Raises:
        ScoreError: one of them cannot be written.
    """
    accuracies, clips, numbers = class_accuracy(taken), taken.sum(axis=1), range(len(taken))
    named = [[name] for name in names] or [[] for _ in numbers]
    title = ["name"] * bool(names)
    tables: dict[str, list[Iterable[object]]] = {
        "classes": [("class", *title, "clips", "right", "accuracy")],
        "confusion": [("class", *title, *numbers)],
    }
    for number in numbers:
        share = f"{accuracies[number]:.6f}" if clips[number] else ""
        tables["classes"].append((number, *named[number], clips[number], taken[number, number], share))
        tables["confusion"].append((number, *named[number], *taken[number]))
    written = []
    for kind, rows in tables.items():
        file = Path(path).with_name(f"{Path(path).stem}_{kind}.csv")
        try:
            with replacing(file) as stream:
                text = io.StringIO()
                csv.writer(text, lineterminator="\n").writerows(rows)
                stream.write(text.getvalue().encode())
        except OSError as error:
            raise _unwritable(file, error) from error
        written.append(file)
    return written


def _unwritable(path: AnyPath, error: OSError) -> ScoreError:
    return ScoreError(f"cannot write {path}: {error.strerror}; give another file")
