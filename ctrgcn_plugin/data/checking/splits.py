"""Prepared data as the checks see them: protocols with their splits, each with its labels and facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ctrgcn_plugin.data.checking.facts import Facts, of_file
from ctrgcn_plugin.data.checking.findings import Clip
from ctrgcn_plugin.data.prepare.source import SPLITS
from ctrgcn_plugin.data.prepared import DATA, LABELS, Labels, open_clips, read_labels
from ctrgcn_plugin.errors import ClipError
from ctrgcn_plugin.layouts import Layout


@dataclass(frozen=True)
class Split:
    """One data file and its labels.

    Attributes:
        name: "train" or "val".
        data: the file.
        shape: (N, C, T, V, M).
        labels: names and labels; None where there are none that can be read, and `fault` says why.
        facts: of the N clips.
    """

    name: str
    data: Path
    shape: tuple[int, ...]
    dtype: np.dtype
    facts: Facts
    labels: Labels | None = None
    fault: str = ""

    def __len__(self) -> int:
        return self.shape[0]

    def clip(self, row: int, detail: str = "") -> Clip:
        """A clip for a finding."""
        names = self.labels.names if self.labels else ()
        return Clip(self.name, row, names[row] if row < len(names) else "", detail)

    def joint_names(self, layout: Layout | None) -> Sequence[str]:
        """V names: the layout's if it is of these joints, else their numbers."""
        numbers = [f"joint {joint}" for joint in range(self.shape[3])]
        return layout.joints if layout and layout.num_joints == len(numbers) else numbers


@dataclass(frozen=True)
class Protocol:
    """The splits of one folder.

    Attributes:
        name: of the folder.
        faults: files that cannot be read, and why.
    """

    name: str
    folder: Path
    splits: Mapping[str, Split]
    faults: Sequence[str] = ()

    @property
    def classes(self) -> int:
        """How many there are by the largest label."""
        labels = [split.labels.labels for split in self.splits.values() if split.labels is not None]
        return 1 + max((int(of.max()) for of in labels if len(of)), default=-1)


def protocol_folders(folder: Path) -> list[Path]:
    """`folder` itself and those in it, as far as there are data in them; a ClipError if there are none."""
    if not folder.is_dir():
        raise ClipError(f"no folder {folder}; give one with {_data_names()}, or with such folders")
    inside = sorted(path for path in folder.iterdir() if path.is_dir())
    found = [path for path in (folder, *inside) if any((path / DATA.format(split=split)).is_file() for split in SPLITS)]
    if not found:
        raise ClipError(f"no {_data_names()} in {folder} or in a folder of it; give a folder with prepared data")
    return found


def read_protocol(folder: Path, layout: Layout | None) -> Protocol:
    """All that a protocol's folder holds; this is what takes the time."""
    splits, faults = {}, []
    for name in SPLITS:
        data = folder / DATA.format(split=name)
        if not data.is_file():
            continue
        try:
            clips = open_clips(data)
            fitting = layout if layout and layout.num_joints == clips.shape[3] else None
            facts = of_file(data, fitting)
        except ClipError as error:
            faults.append(str(error))
            continue
        labels, fault = _labels(label_file(data))
        splits[name] = Split(name, data, clips.shape, clips.dtype, facts, labels, fault)
    return Protocol(folder.resolve().name, folder, splits, faults)


def label_file(data: Path) -> Path:
    """Where the labels of a data file are: a pickle, or the ``.npy`` that upstream takes as well."""
    path = data.with_name(LABELS.format(split=data.name.split("_")[0]))
    other = path.with_suffix(".npy")
    return other if other.is_file() and not path.exists() else path


def _labels(path: Path) -> tuple[Labels | None, str]:
    try:
        return read_labels(path), ""
    except ClipError as error:
        return None, str(error)


def _data_names() -> str:
    return " or ".join(DATA.format(split=split) for split in SPLITS)
