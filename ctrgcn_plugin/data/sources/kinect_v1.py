"""What NW-UCLA, UTD-MHAD and MSR Action3D have in common.

All three were recorded with a Kinect v1: one person, 20 joints in metres from the sensor, x to the person's right when
facing it, y upward, z away from it. A file is a clip, and its name says who does what.

Prepared, the joints are in the order of the layout ``kinect_v1`` and the origin is at the first frame's spine, as the
preparation of NTU RGB+D has it; nothing is scaled. A joint at the sensor's own place, which is what the files have
where it was not tracked, is a gap and filled; frames in which all are, are left out unless they are few.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.prepare.source import SPLITS, Description, Protocols, Reading, Recording
from ctrgcn_plugin.data.sources.finishing import check_size, finished
from ctrgcn_plugin.data.units import METRES
from ctrgcn_plugin.errors import ClipError, one_line

LAYOUT = "kinect_v1"
JOINTS = 20
# metres; a Kinect v1 sees no further than 8. What is more, is pixels or millimetres.
FARTHEST = 20.0


class Protocol(NamedTuple):
    """Clips in whose names `group` is one of these numbers train, the others test."""

    group: str
    train: frozenset[int]


@dataclass(frozen=True)
class Dataset:
    """A data set as data.

    Attributes:
        name: of the data set.
        example: what a clip's file is called.
        file_name: what all are called: groups ``clip``, and within it ``action``, ``subject`` and other numbers.
        classes: names by the action's number, in the order of the labels.
        protocols: by name.
        parse: the joints in a file, (T, V, 3) in metres; a function of a module, so that it can be pickled.
        order: which of the file's joints is the layout's first, second and so on.
        left_out: reason by clip, of those that are no part of it.
        options: of the preparation.
    """

    name: str
    example: str
    file_name: re.Pattern[str]
    classes: Mapping[int, str]
    protocols: Mapping[str, Protocol]
    parse: Callable[[Path], np.ndarray]
    order: Sequence[int] = range(JOINTS)
    left_out: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class KinectClips:
    """A :class:`~ctrgcn_plugin.data.prepare.source.Source`: such a data set in the folder `raw`."""

    raw: Path
    dataset: Dataset

    def describe(self) -> Description:
        self._files()
        known = self.dataset
        return Description(known.name, LAYOUT, 3, 1, METRES, list(known.classes.values()), known.options)

    def protocols(self) -> Protocols:
        clips, _ = self._files()
        protocols: dict[str, dict[str, list[Recording]]] = {}
        for name, protocol in self.dataset.protocols.items():
            rows: dict[str, list[Recording]] = {split: [] for split in SPLITS}
            for recording, numbers in clips:
                rows["train" if numbers[protocol.group] in protocol.train else "val"].append(recording)
            protocols[name] = rows
        return protocols

    def left_out(self) -> Mapping[str, str]:
        return self._files()[1]

    def read(self, recording: Recording) -> Reading:
        joints = self.dataset.parse(recording.file)
        try:
            return _reading(joints, self.dataset.order)
        except ClipError as error:
            raise ClipError(f"clip {recording.file} {error}") from error

    def _files(self) -> tuple[list[tuple[Recording, dict[str, int]]], dict[str, str]]:
        """The clips with the numbers in their names, in the order of those; and the other files with the reason."""
        known = self.dataset
        try:
            files = list(self.raw.iterdir())
        except OSError as error:
            raise ClipError(f"no folder of {known.name} at {self.raw}: {one_line(error)}") from error
        labels = {action: label for label, action in enumerate(known.classes)}
        clips, others = [], {}
        for file in files:
            match = known.file_name.fullmatch(file.name)
            if not match:
                others[file.name] = f"not named like {known.example}"
                continue
            clip, *numbers = match.groups()
            named = dict(zip(list(known.file_name.groupindex)[1:], map(int, numbers)))
            if named["action"] not in labels:
                others[file.name] = f"of an action that is not in {known.name}"
            elif clip in known.left_out:
                others[file.name] = known.left_out[clip]
            else:
                label = labels[named["action"]]
                clips.append((Recording(clip, label, file, subject=str(named["subject"])), named))
        if not clips:
            there = f"{len(others)} others, like {min(others)!r}" if others else "none"
            raise ClipError(f"{self.raw} has no file of {known.name}, like {known.example!r}; it has {there}")
        return sorted(clips, key=lambda clip: list(clip[1].values())), dict(sorted(others.items()))


def _reading(joints: np.ndarray, order: Sequence[int]) -> Reading:
    """The clip of joints (T, V, 3) in the file's order."""
    if joints.ndim != 3 or joints.shape[1:] != (JOINTS, 3):
        raise ClipError(f"has joints of shape {joints.shape}; (frames, {JOINTS}, 3) is needed")
    clip = joints[:, order].transpose(2, 0, 1)[..., None].astype(np.float64)
    check_size(clip, FARTHEST)
    clip[:, ~(np.isfinite(clip).all(axis=0) & clip.any(axis=0))] = np.nan
    return finished(layouts.get(LAYOUT).normalise(clip, scale=False))
