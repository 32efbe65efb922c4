"""The pickles of annotations that pyskl and mmaction2 share: read once, checked, and their splits put in pairs.

``{"split": {split: [names]}, "annotations": [...]}``, where an annotation is a clip: ``frame_dir`` (its name),
``label``, ``keypoint`` (M, T, V, 2 or 3), in two dimensions ``img_shape`` (height, width), and perhaps
``keypoint_score`` (M, T, V).

A file is kept whole in memory. Processes that are forked after it was read share it; others read it once each.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ctrgcn_plugin import unpickling
from ctrgcn_plugin.errors import ClipError, one_line

Annotation = Mapping[str, Any]
Names = frozenset[str]

SPLIT = re.compile(r"(?P<before>\w*?)_?(?P<split>train|val|test)_?(?P<after>\w*)", re.ASCII)
TESTS = ("val", "test")  # the first of them that there is
MOST_CLASSES = 100_000  # a larger label is none


class Poses(NamedTuple):
    """Positions (M, T, V, D), D = 2 or 3, and scores (M, T, V) if there are any."""

    positions: np.ndarray
    scores: np.ndarray | None


class Content(NamedTuple):
    """What is in a file.

    Attributes:
        annotations: by name.
        splits: names by split.
        joints, dimensions: V and D of the first annotation that has poses.
        persons: the largest M.
    """

    annotations: Mapping[str, Annotation]
    splits: Mapping[str, Names]
    joints: int
    dimensions: int
    persons: int

    def pairs(self) -> dict[str, dict[str, Names]]:
        """Names by protocol and by "train" or "val", of the protocols that have a split of both kinds.

        ``xsub_train`` and ``xsub_val``, or ``xsub_test``, are those of ``xsub``; ``train1`` and ``test1`` those of
        ``split1``, ``train`` and ``val`` those of ``split``.
        """
        found: dict[str, dict[str, Names]] = {}
        for key, names in self.splits.items():
            match = SPLIT.fullmatch(key)
            if match:
                found.setdefault(f"{match['before'] or 'split'}{match['after']}", {})[match["split"]] = names
        return {
            protocol: {"train": split["train"], "val": next(split[test] for test in TESTS if test in split)}
            for protocol, split in found.items()
            if "train" in split and len(split) > 1
        }


def content(file: Path) -> Content:
    """What is in a file, read again only if it has changed.

    Raises:
        ClipError: it cannot be read, would run code, or holds something else.
    """
    try:
        stat = file.stat()
    except OSError as error:
        raise ClipError(f"{file} cannot be read: {one_line(error)}; give a .pkl file") from error
    return _load(file, stat.st_mtime_ns, stat.st_size)


def label(annotation: Annotation) -> int | None:
    """The label, from 0; None if there is none."""
    value = annotation.get("label")
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not 0 <= value < MOST_CLASSES:
        return None
    return int(value)


def poses(annotation: Annotation) -> Poses:
    """The keypoints and their scores; a ClipError, which the caller names, if they are none."""
    keypoint = _array(annotation, "keypoint")
    if keypoint is None or keypoint.ndim != 4 or keypoint.shape[3] not in (2, 3):
        packed = "frame_inds" in annotation or "raw_file" in annotation
        hint = "; it is packed by frame or in other files, unpack it with pyskl" if packed else ""
        raise ClipError(f"has no keypoint of shape (persons, frames, joints, 2 or 3){hint}")
    # only a picture has a size; a third coordinate is the score then
    dimensions = 2 if "img_shape" in annotation else keypoint.shape[3]
    scores = keypoint[..., 2] if dimensions < keypoint.shape[3] else None
    if annotation.get("keypoint_score") is not None:
        scores = _array(annotation, "keypoint_score")
        if scores is None or scores.shape != keypoint.shape[:3]:
            raise ClipError("has another shape of keypoint_score than of keypoint")
    return Poses(keypoint[..., :dimensions], scores)


def image_size(annotation: Annotation) -> tuple[float, float]:
    """Width and height in pixels; a ClipError, which the caller names, if they are not there."""
    shape = annotation.get("img_shape")
    if isinstance(shape, (tuple, list)) and len(shape) == 2:
        height, width = (float(side) if isinstance(side, Real) else 0.0 for side in shape)
        if min(height, width) >= 1:
            return width, height
    raise ClipError("has no height and width in pixels as img_shape")


@lru_cache(maxsize=1)
def _load(file: Path, changed: int, size: int) -> Content:
    """What is in a file, read again only if it has changed."""
    try:
        with file.open("rb") as opened:
            loaded = unpickling.load(opened)
    except unpickling.Refused as error:
        raise ClipError(f"{file} is not read: {error}") from error
    except Exception as error:
        # a damaged pickle raises whatever its bytes happen to mean
        raise ClipError(f"{file} cannot be read as a pickle: {one_line(error)}") from error
    if isinstance(loaded, list):
        raise ClipError(
            f"{file} is a list of annotations, pyskl's older form without splits; pickle a dictionary of "
            "annotations (the lists of all splits, joined) and split (names by split: xsub_train, xsub_val)"
        )
    if not isinstance(loaded, dict):
        raise ClipError(f"{file} holds a {type(loaded).__name__}; a dictionary of split and annotations is needed")
    annotations = _named(loaded.get("annotations"), file)
    return Content(annotations, _splits(loaded.get("split"), file), *_sizes(annotations, file))


def _named(annotations: object, file: Path) -> dict[str, Annotation]:
    if not isinstance(annotations, list):
        raise ClipError(f"{file} has no list of annotations")
    named: dict[str, Annotation] = {}
    for number, annotation in enumerate(annotations):
        if annotation is None:
            continue  # pyskl's script leaves it where a recording of NTU RGB+D has nobody in it
        where = f"{file}, annotation {number} (from 0)"
        if not isinstance(annotation, dict):
            raise ClipError(f"{where} is a {type(annotation).__name__}; a dictionary is needed")
        name = annotation.get("frame_dir", annotation.get("filename"))
        if not isinstance(name, str):
            raise ClipError(f"{where} has no name as frame_dir")
        if name in named:
            raise ClipError(f"{where} has the name of another one: {name!r}")
        named[name] = annotation
    return named


def _splits(splits: object, file: Path) -> dict[str, Names]:
    if not isinstance(splits, dict):
        raise ClipError(f"{file} has no split, a dictionary of names by split")
    checked = {}
    for split, names in splits.items():
        listed = isinstance(names, (list, tuple, set, frozenset)) and all(isinstance(name, str) for name in names)
        if not isinstance(split, str) or not listed:
            raise ClipError(f"{file} has something else than a list of names as split {split!r:.40}")
        checked[split] = frozenset(names)
    return checked


def _sizes(annotations: Mapping[str, Annotation], file: Path) -> tuple[int, int, int]:
    """V and D of the first annotation that has poses, and the largest M."""
    kinds = []
    persons = 1
    problem = "has no annotations"
    for name, annotation in annotations.items():
        try:
            there, _, *kind = poses(annotation).positions.shape
        except ClipError as error:
            problem = f"{error}: annotation {name!r}"
        else:
            persons = max(persons, there)
            kinds.append(kind)
    if not kinds:
        raise ClipError(f"{file} {problem}")
    joints, dimensions = kinds[0]
    return joints, dimensions, persons


def _array(annotation: Annotation, key: str) -> np.ndarray | None:
    value = annotation.get(key)
    return value if isinstance(value, np.ndarray) and value.dtype.kind in "fiu" else None
