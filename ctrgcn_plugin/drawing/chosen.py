"""Clips that a user has chosen to look at: a file of one, or a row of prepared data, and what is known of each."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import numpy as np

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data import arrays, clips, ntu, rows
from ctrgcn_plugin.data.footage import Needs
from ctrgcn_plugin.data.sample import AXES
from ctrgcn_plugin.data.sources import ntu as ntu_data
from ctrgcn_plugin.data.units import METRES, TRUNKS
from ctrgcn_plugin.drawing import skeleton
from ctrgcn_plugin.errors import ClipError, ConfigError

DIMENSIONS = (2, 3)
PERSONS = 2  # of keypoints, those who are there most
UNUSUAL = re.compile(r"[^\w.-]+")  # in the name of a file


@dataclass(frozen=True, eq=False)
class Chosen:
    """A clip to look at.

    Attributes:
        file: that it is in.
        clip: (C, T, V, M).
        row: of prepared data, its number or name.
        layout: a shipped one's name or a file; empty where it is not known.
        unit: of the coordinates; empty where it is not known.
        classes: names by label; empty where they are not known.
        label: of what it shows, where that is known.
    """

    file: Path
    clip: np.ndarray
    row: str = ""
    layout: str = ""
    unit: str = ""
    classes: Sequence[str] = ()
    label: Optional[int] = None

    @property
    def name(self) -> str:
        """As a user would name it."""
        return f"{self.file}{rows.MARK}{self.row}" if self.row else str(self.file)

    @property
    def stem(self) -> str:
        """What to call a file that is made of it."""
        return "_".join(filter(None, (self.file.stem, UNUSUAL.sub("_", self.row))))


def read(inputs: Iterable[str], row: Optional[str] = None, layout: Optional[str] = None) -> Iterator[Chosen]:
    """The clips that `inputs` name, one after the other.

    Args:
        inputs: each a ``.npy`` or ``.skeleton`` file, a folder or a list of them, see
            :func:`~ctrgcn_plugin.data.clips.clip_files`, or prepared data: ``val_data.npy#17``, where the row is
            counted from 0, or is a name of the label file.
        row: of inputs that do not say it.
        layout: that keypoints are taken for.

    Raises:
        ClipError: there is no such clip, or it cannot be read.
    """
    for text in inputs:
        named = rows.split(text)
        if named:
            yield _row(*named)
        elif row is not None:
            yield _row(Path(text), row)
        else:
            yield from (_file(path, layout) for path in clips.clip_files([text]))


def layout_of(chosen: Chosen) -> str:
    """The layout of a clip whose layout is not known: the shipped one that it fits.

    Raises:
        ConfigError: several do, or none.
    """
    channels, _, joints, _ = chosen.clip.shape
    # 25 joints are Kinect v2's in three dimensions, and OpenPose's in two, with or without a confidence
    possible = {channels} | ({2} if channels == 3 and skeleton.could_be_confidence(chosen.clip[2]) else set())
    return fitting_layout(joints, possible, f"clip {chosen.name}")


def fitting_layout(joints: int, dimensions: Collection[int], what: str) -> str:
    """The shipped layout of so many joints, in one of these numbers of dimensions where that tells.

    Raises:
        ConfigError: several fit, or none; `what` has these joints.
    """
    candidates = layouts.with_joints(joints)
    fitting = [name for name in candidates if layouts.get(name).dimensions in dimensions] or candidates
    if len(fitting) != 1:
        which = f"{' and '.join(fitting)} have" if fitting else "no shipped layout has"
        raise ConfigError(f"{what} has {joints} joints, and {which} as many; give one with --layout")
    return fitting[0]


def _file(path: Path, layout: Optional[str]) -> Chosen:
    suffix = "" if path.is_dir() else path.suffix.lower()
    if suffix == ".skeleton":
        label = ntu_data.label_of(path.stem)
        names = ntu_data.action_names() if label is not None else ()
        return Chosen(path, ntu.read(path), layout=layouts.DEFAULT, unit=METRES, classes=names, label=label)
    if suffix != ".npy":
        return _keypoints(path, layout)
    clip = arrays.opened(path)
    if clip.ndim == 5:
        raise ClipError(f"{path} has {len(clip)} clips; say which one: {path}{rows.MARK}0, or --row 0")
    if clip.ndim in (3, 4) and len(clip) not in DIMENSIONS and clip.shape[-1] in DIMENSIONS:
        return _plain(path, clip.shape, layout)
    if clip.ndim != len(AXES) or clip.dtype.kind not in "fiu":
        needed = f"numbers of ({', '.join(AXES)}) are needed"
        raise ClipError(f"clip {path} has {clip.ndim} axes, shape {clip.shape} of {clip.dtype}; {needed}")
    return Chosen(path, np.asarray(clip))


def _plain(path: Path, shape: tuple[int, ...], layout: Optional[str]) -> Chosen:
    """Joints as ``prepare plain`` takes them: (T, V, C) or (T, M, V, C)."""
    *_, joints, channels = shape
    layout = layout or fitting_layout(joints, {channels}, f"clip {path}")
    # in space, they are as they were recorded, in whatever that is
    unit = TRUNKS if channels == 2 else ""
    needs = Needs((channels, joints, PERSONS), layout, unit)
    return Chosen(path, clips.opened(path, needs, form=clips.PLAIN).clip(), layout=layout, unit=unit)


def _keypoints(path: Path, layout: Optional[str]) -> Chosen:
    """What a pose estimator wrote: its file, or a folder of frames."""
    if not layout:
        raise ConfigError(f"clip {path} is of keypoints; say of which skeleton they are with --layout")
    needs = Needs((2, layouts.get(layout).num_joints, PERSONS), layout, TRUNKS)
    return Chosen(path, clips.opened(path, needs).clip(), layout=layout, unit=TRUNKS)


def _row(path: Path, number: str) -> Chosen:
    row = rows.read(path, number)
    if row.card is None:
        return Chosen(path, row.clip, number, label=row.label)
    return Chosen(path, row.clip, number, row.graph, row.card.unit, list(map(str, row.card.classes)), row.label)
