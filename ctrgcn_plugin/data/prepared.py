"""Prepared data: the files that upstream's SkeletonDataset reads, and what is noted beside them.

A folder for each protocol (``xsub``) holds ``train_data.npy`` (N, C, T, V, M) float32, ``train_label.pkl`` and the
same for ``val``. The folder above it holds ``dataset.yaml``, which :class:`Card` reads, and ``report.csv``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Union

import numpy as np
import yaml

from ctrgcn_plugin import layouts, unpickling
from ctrgcn_plugin.data import arrays
from ctrgcn_plugin.errors import ClipError, one_line

AnyPath = Union[str, "os.PathLike[str]"]

CARD = "dataset.yaml"
REPORT = "report.csv"
DATA, LABELS = "{split}_data.npy", "{split}_label.pkl"
# of a card's values
KINDS = {
    "name": str,
    "layout": str,
    "coordinates": int,
    "persons": int,
    "frames": int,
    "unit": str,
    "classes": list,
    "options": dict,
}
AXES = "clips N, coordinates C, frames T, joints V, persons M"


class Labels(NamedTuple):
    """Names and labels of N clips; no names where a file has only labels."""

    names: Sequence[str]
    labels: np.ndarray


@dataclass(frozen=True)
class Card:
    """What ``dataset.yaml`` says of the data beside it.

    Attributes:
        name: of the data set.
        layout: a skeleton layout's name, or a layout file, relative to the folder.
        coordinates, persons, frames: C, M and T.
        unit: of the coordinates.
        classes: names by label.
        protocols: how many clips, by protocol and split.
        options: of the preparation.
    """

    name: str
    layout: str
    coordinates: int
    persons: int
    frames: int
    unit: str
    classes: Sequence[str]
    protocols: Mapping[str, Mapping[str, int]]
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Card | None:
        """The card in `folder`, if there is one; a ClipError for one that is damaged."""
        path = folder / CARD
        if not path.is_file():
            return None
        try:
            card = cls(**yaml.safe_load(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError, TypeError) as error:
            raise ClipError(f"{path} is no description of a prepared data set: {one_line(error)}") from error
        counts = card.protocols.values() if isinstance(card.protocols, dict) else [None]
        wrong = [key for key, kind in KINDS.items() if not isinstance(getattr(card, key), kind)]
        wrong += ["protocols"] * any(not isinstance(count, dict) for count in counts)
        if wrong:
            raise ClipError(f"{path} has {wrong[0]} {getattr(card, wrong[0])!r}, which is none; correct it")
        return card

    def text(self) -> str:
        """What ``dataset.yaml`` says."""
        return yaml.safe_dump(asdict(self), sort_keys=False, allow_unicode=True)

    def graph(self, folder: Path) -> str:
        """What a config's ``graph`` says for the data in `folder`: a shipped layout's name, or the file's path."""
        return self.layout if self.layout in layouts.available() else str((folder / self.layout).resolve())


def card_beside(file: Path) -> tuple[Path, Card] | None:
    """The prepared data that `file` belongs to: their folder, which is its own or the one above, and their card."""
    for folder in (file.parent, file.parent.parent):
        card = Card.read(folder)
        if card is not None:
            return folder, card
    return None


def open_clips(path: AnyPath) -> np.ndarray:
    """The clips of a ``.npy`` file, (N, C, T, V, M), mapped: nothing of them is read yet.

    Raises:
        ClipError: there is no such file, or it is no array of that many axes.
    """
    if not Path(path).is_file():
        raise ClipError(f"no data at {path}; give a .npy file of ({AXES})")
    clips = arrays.opened(path, "data", f"an array of ({AXES})")
    if clips.ndim != len(AXES.split(",")) or clips.dtype.kind not in "fiu":
        raise ClipError(f"data {path} has shape {clips.shape} of {clips.dtype}; numbers of ({AXES}) are needed")
    if 0 in clips.shape[1:]:
        raise ClipError(f"data {path} has shape {clips.shape}, an axis of no length")
    return clips


def read_labels(path: AnyPath) -> Labels:
    """The names and labels in a label file: a pickled pair of lists or arrays, or a ``.npy`` of labels.

    Raises:
        ClipError: it cannot be read, would run code, or does not hold whole numbers.
    """
    path = Path(path)
    if not path.is_file():
        raise ClipError(f"no labels at {path}; give a pickle of (names, labels) or a .npy file of labels")
    names: Sequence[Any] = ()
    try:
        if path.suffix == ".npy":
            labels = np.load(path, allow_pickle=False)
        else:
            with path.open("rb") as file:
                names, labels = unpickling.load(file)
        # of names as bytes, which NumPy's old string type gave
        names = [name.decode() if isinstance(name, bytes) else str(name) for name in names]
        labels = np.asarray(labels)
    except unpickling.Refused as error:
        raise ClipError(f"labels {path} are not read: {error}") from error
    except Exception as error:
        # a damaged pickle raises whatever its bytes happen to mean
        raise ClipError(f"labels {path} cannot be read as (names, labels): {one_line(error)}") from error
    if labels.ndim != 1 or (labels.size and labels.dtype.kind not in "iu"):
        raise ClipError(f"labels {path} have shape {labels.shape} of {labels.dtype}; N whole numbers are needed")
    if names and len(names) != len(labels):
        raise ClipError(f"labels {path} have {len(names)} names and {len(labels)} labels")
    return Labels(names, labels.astype(np.int64))
