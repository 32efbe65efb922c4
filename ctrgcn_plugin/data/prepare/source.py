"""What a reader of a data set offers to the preparation, whatever its files look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

SPLITS = ("train", "val")


@dataclass(frozen=True)
class Recording:
    """One clip of a data set: where it is, and what is known without reading it.

    Attributes:
        name: as the label file has it; unique in its data set.
        label: from 0.
        file: that it is in.
        part: which of the file's clips, for a file with several.
        subject: who performs, where known; for the check that nobody is on both sides of a split.
    """

    name: str
    label: int
    file: Path
    part: str = ""
    subject: str = ""


class Reading(NamedTuple):
    """What became of a recording.

    Attributes:
        clip: (C, T, V, M) float32 without padding. NaN is what the sensor did not see.
        notes: what was left out or mended, one short phrase each, for the report.
    """

    clip: np.ndarray
    notes: Sequence[str] = ()


# protocol ("xsub") -> split ("train", "val") -> rows in their order
Protocols = Mapping[str, Mapping[str, Sequence[Recording]]]


@dataclass(frozen=True)
class Description:
    """What all clips of a data set have in common.

    Attributes:
        name: of the data set.
        layout: a skeleton layout's name, or the path of a layout file.
        coordinates: C.
        persons: M.
        unit: of the coordinates: "metres", "pixels", "trunks" (lengths of the layout's trunk), ...
        classes: names by label; numbers where the data set has no names.
        options: of the preparation, that its result depends on.
    """

    name: str
    layout: str
    coordinates: int
    persons: int
    unit: str
    classes: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict)


class Source(Protocol):
    """A data set in its own files. An instance goes to other processes, so it must be picklable and small."""

    def describe(self) -> Description:
        """What its clips have in common; raises a UserError where the folder is not such a data set."""

    def protocols(self) -> Protocols:
        """Which recordings train and which test, by protocol; one that is in several is equal in all of them."""

    def left_out(self) -> Mapping[str, str]:
        """Files that are no part of any protocol, with the reason."""

    def read(self, recording: Recording) -> Reading:
        """One clip; a ClipError, which names file and line, says why it is left out."""
