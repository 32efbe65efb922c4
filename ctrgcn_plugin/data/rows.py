"""Rows of prepared data, named as clips: ``data/xsub/val_data.npy#17``, with what the files beside them say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import numpy as np

from ctrgcn_plugin.data import prepared
from ctrgcn_plugin.errors import ClipError

MARK = "#"  # between a file and a row's number, from 0, or its name
DATA, LABELS = prepared.DATA.format(split=""), prepared.LABELS.format(split="")


@dataclass(frozen=True, eq=False)
class Row:
    """A clip of prepared data.

    Attributes:
        clip: (C, T, V, M).
        label: where a label file says it.
        card: of the data, where there is one.
        graph: the layout, a shipped one's name or a file; empty without a card.
    """

    clip: np.ndarray
    label: Optional[int] = None
    card: Optional[prepared.Card] = None
    graph: str = ""


def split(text: str) -> Optional[tuple[Path, str]]:
    """The file and the row in ``FILE#ROW``; None for the name of a file."""
    file, mark, row = text.rpartition(MARK)
    return (Path(file), row) if mark and not Path(text).exists() else None


def read(path: Path, row: str) -> Row:
    """A row of the data in `path`, by its number, from 0, or its name in the label file.

    Raises:
        ClipError: there are no such data, or no such row.
    """
    clips = prepared.open_clips(path)
    names, labels = _labels(path)
    number = _number(row, names, len(clips), path)
    label = int(labels[number]) if number < len(labels) else None
    clip = np.asarray(clips[number])
    beside = prepared.card_beside(path)
    if beside is None:
        return Row(clip, label)
    folder, card = beside
    return Row(clip, label, card, card.graph(folder))


def _labels(data: Path) -> prepared.Labels:
    """What the label file beside a data file says; nothing where there is none."""
    file = data.with_name(data.name.replace(DATA, LABELS))
    return prepared.read_labels(file) if file != data and file.is_file() else prepared.Labels((), np.array([], int))


def _number(row: str, names: Sequence[str], rows: int, path: Path) -> int:
    if row in names:
        return names.index(row)
    if row.isdecimal() and int(row) < rows:
        return int(row)
    named = f", and are called {names[0]!r} and the like" if names else ""
    raise ClipError(f"{path} has no row {row!r}; its {rows} rows are counted from 0{named}")
