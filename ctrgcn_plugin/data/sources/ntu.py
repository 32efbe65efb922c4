"""NTU RGB+D 60 and 120: which of the ``.skeleton`` files train and which test, in the order of upstream's scripts.

Protocols: Shahroudy et al. 2016, section 3.2, and Liu et al. 2020, section 3.3. The rows of a split are in the order
of ``seq_transformation.py``: by the number that decides (subject, camera or setup), then by name.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Optional

from ctrgcn_plugin.data import ntu
from ctrgcn_plugin.data.prepare.source import SPLITS, Description, Protocols, Reading, Recording
from ctrgcn_plugin.data.units import METRES
from ctrgcn_plugin.errors import ConfigError, one_line

SUFFIX = ".skeleton"
NAME = re.compile(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})")
ACTIONS = Path(__file__).with_name("ntu_actions.txt")
MISSING = Path(__file__).with_name("ntu_missing.txt")


class Numbers(NamedTuple):
    """What a clip's name says, each from 1."""

    setup: int
    camera: int
    subject: int
    replication: int
    action: int


class Split(NamedTuple):
    """Which number of a name decides, which ones train, and which ones there are."""

    by: str
    train: Sequence[int]
    all: Sequence[int]

    def rows(self, recordings: Iterable[Recording]) -> dict[str, list[Recording]]:
        own = defaultdict(list)
        for recording in recordings:
            own[getattr(_numbers(recording.name), self.by)].append(recording)
        test = [number for number in self.all if number not in self.train]
        return {split: [each for i in numbers for each in own[i]] for split, numbers in zip(SPLITS, (self.train, test))}


TRAIN_SUBJECTS = (1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38)
TRAIN_SUBJECTS_120 = (
    *TRAIN_SUBJECTS,
    *(45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78),
    *(80, 81, 82, 83, 84, 85, 86, 89, 91, 92, 93, 94, 95, 97, 98, 100, 103),
)


class Release(NamedTuple):
    """One of the two data sets: how many setups and actions, and its protocols."""

    setups: int
    actions: int
    protocols: Mapping[str, Split]

    def has(self, numbers: Numbers) -> bool:
        return numbers.setup <= self.setups and 1 <= numbers.action <= self.actions


RELEASES = {
    60: Release(
        17,
        60,
        {
            "xsub": Split("subject", TRAIN_SUBJECTS, range(1, 41)),
            "xview": Split("camera", (2, 3), range(1, 4)),
        },
    ),
    120: Release(
        32,
        120,
        {
            "xsub": Split("subject", TRAIN_SUBJECTS_120, range(1, 107)),
            "xset": Split("setup", range(2, 33, 2), range(1, 33)),
        },
    ),
}


@dataclass(frozen=True)
class Skeletons:
    """A folder of NTU RGB+D: a :class:`~ctrgcn_plugin.data.prepare.source.Source`.

    Attributes:
        release: a key of :data:`RELEASES`.
        missing: what told which clips to leave out.
        recordings: by name.
        others: files that are none, with the reason.
    """

    release: int
    missing: str
    recordings: Sequence[Recording]
    others: Mapping[str, str]

    def describe(self) -> Description:
        return Description(
            name=f"NTU RGB+D {self.release}",
            layout="ntu_rgb_d",
            coordinates=ntu.COORDINATES,
            persons=ntu.PERSONS,
            unit=METRES,
            classes=action_names()[: self.release],
            options={"actions": self.release, "missing": self.missing},
        )

    def protocols(self) -> Protocols:
        return {name: split.rows(self.recordings) for name, split in RELEASES[self.release].protocols.items()}

    def left_out(self) -> Mapping[str, str]:
        return self.others

    def read(self, recording: Recording) -> Reading:
        return Reading(*ntu.prepared(recording.file))


def source(raw: Path, actions: Optional[int] = None, missing: Optional[Path] = None) -> Skeletons:
    """The ``.skeleton`` files anywhere in `raw`.

    Args:
        actions: 60 or 120; by default 60 if all files are of that data set.
        missing: a text with names of clips to leave out, one a line or in between others; by default the data set's
            own list of missing and incomplete skeletons.

    Raises:
        ConfigError: there is no such folder, it has no such files, or two with the same name; or no such text.
    """
    files = _files(Path(raw))
    numbers = {name: _numbers(name) for name in files if NAME.fullmatch(name)}
    if not numbers:
        found = f"it has {', '.join(list(files)[:3])}" if files else "it has none"
        raise ConfigError(f"{raw} has no {SUFFIX} files named like S001C001P001R001A001; {found}; give NTU's folder")
    smallest = min(RELEASES)
    if actions is None:
        actions = smallest if all(map(RELEASES[smallest].has, numbers.values())) else max(RELEASES)
    release, skip = RELEASES[actions], _names_in(MISSING if missing is None else Path(missing))
    recordings, others = [], {}
    for name, file in files.items():
        if name not in numbers:
            others[str(file)] = "not named like S001C001P001R001A001"
        elif name in skip:
            others[str(file)] = "in the list of missing skeletons"
        elif not release.has(numbers[name]):
            others[str(file)] = f"not of NTU RGB+D {actions}"
        elif not any(getattr(numbers[name], split.by) in split.all for split in release.protocols.values()):
            others[str(file)] = "in no split"
        else:
            recordings.append(Recording(name, numbers[name].action - 1, file, subject=f"P{numbers[name].subject:03}"))
    return Skeletons(actions, "the data set's own list" if missing is None else str(missing), recordings, others)


def action_names() -> list[str]:
    """What the data set calls its actions, A001 first."""
    return [line for line in ACTIONS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


def label_of(name: str) -> int | None:
    """The label, from 0, that a clip's name says; None of another data set's name."""
    return _numbers(name).action - 1 if NAME.fullmatch(name) else None


def _numbers(name: str) -> Numbers:
    found = NAME.fullmatch(name)
    assert found, name
    return Numbers(*map(int, found.groups()))


def _names_in(path: Path) -> set[str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"list of missing skeletons {path} cannot be read: {one_line(error)}") from error
    names = {found.group() for found in NAME.finditer(text)}
    if text.strip() and not names:
        raise ConfigError(f"list of missing skeletons {path} has no name like S001C001P001R001A001")
    return names


def _files(raw: Path) -> dict[str, Path]:
    """The files by name, sorted by it."""
    if not raw.is_dir():
        raise ConfigError(f"no folder at {raw}; give the one that NTU's archives were unpacked to")
    found: dict[str, Path] = {}
    try:
        for folder, _, names in os.walk(raw, onerror=_fail, followlinks=True):
            for file in (Path(folder, name) for name in names if name.lower().endswith(SUFFIX)):
                if file.stem in found:
                    raise ConfigError(f"clip {file.stem} is there twice, as {found[file.stem]} and {file}; remove one")
                found[file.stem] = file
    except OSError as error:
        raise ConfigError(f"folder {raw} cannot be read: {one_line(error)}") from error
    return dict(sorted(found.items()))


def _fail(error: OSError) -> None:
    raise error
