"""The clips that scores are of: found by name or by row, and held against the labels of the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.checking.splits import label_file, protocol_folders
from ctrgcn_plugin.data.checking.surroundings import surroundings
from ctrgcn_plugin.data.prepare.source import SPLITS
from ctrgcn_plugin.data.prepared import DATA, Card, Labels, open_clips, read_labels
from ctrgcn_plugin.data.scores import Scores
from ctrgcn_plugin.errors import ClipError
from ctrgcn_plugin.layouts import Layout

TRAIN, TEST = SPLITS


@dataclass(frozen=True)
class Files:
    """Files of a test.

    Attributes:
        clips, labels: of the test; the labels may be unknown.
        train: clips that the network was trained on; None where they are not known.
    """

    clips: Path
    labels: Optional[Path] = None
    train: Optional[Path] = None

    @classmethod
    def of_config(cls, config: Mapping[str, Any]) -> Optional[Files]:
        """What a config tests on, in the form of upstream's SkeletonDataset; None where it names nothing."""
        test, train = (_paths(config.get("DATASET"), part) for part in ("test", "train"))
        return cls(test["file_path"], test.get("label_path"), train.get("file_path")) if "file_path" in test else None

    @classmethod
    def in_folder(cls, folder: Path) -> list[Files]:
        """Those of each protocol in prepared data; a ClipError if there are none to test on."""
        found = []
        for inside in protocol_folders(folder):
            clips, train = (inside / DATA.format(split=split) for split in (TEST, TRAIN))
            labels = label_file(clips)
            if clips.is_file():
                found.append(cls(clips, labels if labels.is_file() else None, train if train.is_file() else None))
        if not found:
            raise ClipError(f"no {DATA.format(split=TEST)} in {folder}; give the data that the scores are of")
        return found


def _paths(datasets: Any, part: str) -> dict[str, Path]:
    section = datasets.get(part) if isinstance(datasets, Mapping) else None
    section = section if isinstance(section, Mapping) else {}
    return {key: Path(section[key]) for key in ("file_path", "label_path") if isinstance(section.get(key), str)}


def texts(array: Optional[np.ndarray]) -> list[str]:
    """An array of text, or of bytes as old versions of NumPy's string type have them, as a list; none of None."""
    values = [] if array is None else array.tolist()
    return [value.decode(errors="replace") if isinstance(value, bytes) else value for value in values]


@dataclass(frozen=True, eq=False)
class Tested:
    """The clips of a test, in the order of its scores.

    Attributes:
        rows: (N,) where in the data file the clip of each score is.
        labels: (N,), None where they are not known.
        names: N, or none.
        layout: of the skeletons; None where none is known.
        card: of the prepared data; None without one.
    """

    files: Files
    rows: np.ndarray
    labels: Optional[np.ndarray]
    names: Sequence[str]
    layout: Optional[Layout]
    card: Optional[Card]

    @property
    def protocol(self) -> str:
        """The name of its folder."""
        return self.files.clips.resolve().parent.name

    def clip(self, index: int) -> np.ndarray:
        """(C, T, V, M) of one score."""
        return np.array(open_clips(self.files.clips)[self.rows[index]])


def match(
    scores: Scores, candidates: Sequence[Files], layout: Optional[str] = None, graph: Optional[str] = None
) -> Tested:
    """The one of `candidates` that `scores` are of.

    Args:
        layout: name or file, that the user gives; by default what the data's card says, else `graph`.
        graph: the same, as the config has it.

    Raises:
        ClipError: data cannot be read, none has these clips with these labels, or several have.
        ConfigError: there is no such layout.
    """
    fitting, errors = [], []
    for files in candidates:
        try:
            labels = read_labels(files.labels) if files.labels else None
            fitting.append((files, labels, _rows(scores, labels, files)))
        except ClipError as error:
            errors.append(error)
    if len(fitting) > 1:
        folders = ", ".join(str(files.clips.parent) for files, *_ in fitting)
        raise ClipError(f"the scores fit the clips of {folders}; name one of these folders")
    if not fitting:
        raise errors[0]
    ((files, labels, rows),) = fitting
    folder = files.clips.parent
    known = surroundings(folder, [folder], None)
    asked = layout or (None if known.card else graph)
    skeleton = layouts.get(asked) if asked else known.layout
    joints = open_clips(files.clips).shape[3]
    if skeleton and skeleton.num_joints != joints:
        raise ClipError(
            f"{files.clips} has {joints} joints, layout {skeleton.name!r} has {skeleton.num_joints}; give its --layout"
        )
    return Tested(
        files,
        rows,
        labels.labels[rows] if labels else None,
        [labels.names[row] for row in rows] if labels and labels.names else [],
        skeleton,
        known.card,
    )


def _rows(scores: Scores, labels: Optional[Labels], files: Files) -> np.ndarray:
    """(N,) the data's row of each score: by the clips' names where both have them, else one after the other."""
    number, clips = len(scores.values), len(open_clips(files.clips))
    if labels is not None and len(labels.labels) != clips:
        raise ClipError(f"{files.labels} has {len(labels.labels)} labels for the {clips} clips of {files.clips}")
    rows = np.arange(number)
    names = texts(scores.names)
    known = labels.names if labels else ()
    named = bool(names) and bool(known)
    if named and list(known[:number]) != names:
        place = {name: row for row, name in enumerate(known)}
        lost = [name for name in names if name not in place]
        if lost or len(place) < len(known):
            why = f"{len(lost)} are not there, the first is {lost[0]!r}" if lost else "names are there twice"
            raise ClipError(f"the scores' clips cannot be found by name in {files.labels}: {why}; give the test's data")
        rows = np.array([place[name] for name in names])
    elif number != clips and not named:
        raise ClipError(f"there are scores of {number} clips, and {clips} clips in {files.clips}; give the test's data")
    if labels is not None and scores.labels is not None:
        wrong = labels.labels[rows] != scores.labels
        if wrong.any():
            first = int(wrong.argmax())
            raise ClipError(
                f"labels of {wrong.sum()} of {number} scores differ from those in {files.labels}, first of clip "
                f"{first} (from 0): {scores.labels[first]} and {labels.labels[rows[first]]}; give the data of this test"
            )
    return rows
