"""Clips of one's own, which a label list names: what all formats of them have in common."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.prepare.source import SPLITS, Description, Protocols, Reading, Recording
from ctrgcn_plugin.data.sources import labels as label_list
from ctrgcn_plugin.data.sources.finishing import check_size, finished
from ctrgcn_plugin.data.units import AS_RECORDED, TRUNKS
from ctrgcn_plugin.errors import ClipError, ConfigError
from ctrgcn_plugin.layouts import Layout

PROTOCOL = "split"

T = TypeVar("T")


class People(NamedTuple):
    """Who is where in a clip.

    Attributes:
        positions: (D, T, V, P), D = 2 or 3, y upward. NaN where a joint was not seen.
        confidence: (T, V, P) of a detector, if there was one.
        notes: as a Reading's.
    """

    positions: np.ndarray
    confidence: np.ndarray | None = None
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class OwnClips:
    """A :class:`~ctrgcn_plugin.data.prepare.source.Source` of clips that a label list names.

    2-D clips are in trunks, 3-D clips in the unit that they come in; both from the middle of the first person.

    Attributes:
        raw: the folder of clips.
        labels: the list.
        find: the clips in a folder, by their paths within it.
        parse: reads at most so many persons of a clip; a function of a module, so that it can be pickled.
        layout: a name or a file.
        persons: M.
        dimensions: D.
        confidence: whether to keep that as one more coordinate, 0 where a joint was not seen.
        unit: of 3-D clips.
    """

    raw: Path
    labels: Path
    find: Callable[[Path], Mapping[str, Path]]
    parse: Callable[[Path, Layout, int], People]
    layout: str
    persons: int
    dimensions: int = 2
    confidence: bool = False
    unit: str = AS_RECORDED

    def __post_init__(self) -> None:
        if self.persons < 1:
            raise ConfigError(f"--persons must be at least 1, got {self.persons}")

    def __getstate__(self) -> dict[str, Any]:
        # without what was found: it would go along with every process's work
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def describe(self) -> Description:
        layouts.get(self.layout)
        options: dict[str, Any] = {"labels": str(self.labels), "confidence": self.confidence}
        return Description(
            name=self.raw.resolve().name,
            layout=self.layout,
            coordinates=self.dimensions + self.confidence,
            persons=self.persons,
            unit=TRUNKS if self.dimensions == 2 else self.unit,
            classes=label_list.read(self.labels).classes,
            options=options,
        )

    def protocols(self) -> Protocols:
        rows: dict[str, list[Recording]] = {split: [] for split in SPLITS}
        for split, recording in self._listed:
            rows[split].append(recording)
        return {PROTOCOL: rows}

    def left_out(self) -> Mapping[str, str]:
        named = {recording.file for _, recording in self._listed}
        return {name: f"not in {self.labels.name}" for name, file in self._found.items() if file not in named}

    def read(self, recording: Recording) -> Reading:
        layout = layouts.get(self.layout)
        people = self.parse(recording.file, layout, self.persons)
        try:
            return training_clip(people, layout, self.persons, dimensions=self.dimensions, confidence=self.confidence)
        except ClipError as error:
            raise ClipError(f"clip {recording.file} {error}") from error

    def first(self, look: Callable[[Path], T | None]) -> T | None:
        """What `look` finds in the first clip of the list in which it finds anything; None if in no clip."""
        problem = None
        for _, recording in self._listed:
            try:
                found = look(recording.file)
            except ClipError as error:
                # a damaged clip is for the report, unless there is no other
                problem = problem or error
            else:
                if found is not None:
                    return found
        if problem:
            raise problem
        return None

    @cached_property
    def _found(self) -> Mapping[str, Path]:
        if not self.raw.is_dir():
            raise ConfigError(f"no folder of clips at {self.raw}")
        # the list may lie among the clips, and be of their format
        return {name: file for name, file in self.find(self.raw).items() if not self._is_list(file)}

    def _is_list(self, file: Path) -> bool:
        return file.name == self.labels.name and file.resolve() == self.labels.resolve()

    @cached_property
    def _listed(self) -> list[tuple[str, Recording]]:
        """The clips of the list with their splits; a ConfigError for one that is not there."""
        return list(self._each_listed())

    def _each_listed(self) -> Iterator[tuple[str, Recording]]:
        found = self._found
        if not found:
            raise ConfigError(f"no clip in {self.raw}")
        without_suffix: dict[str, list[str]] = {}
        for name in found:
            without_suffix.setdefault(Path(name).with_suffix("").as_posix(), []).append(name)
        lines: dict[str, int] = {}
        for row in label_list.read(self.labels).rows:
            where = f"{self.labels}, line {row.line}"
            candidates = [row.clip] if row.clip in found else without_suffix.get(row.clip, [])
            if not candidates:
                near = difflib.get_close_matches(row.clip, without_suffix, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; it has {next(iter(found))!r} and the like"
                raise ConfigError(f"{where}: no clip {row.clip!r} in {self.raw}{hint}")
            if len(candidates) > 1:
                raise ConfigError(f"{where}: clip {row.clip!r} may be {' or '.join(candidates)}; add the suffix")
            (name,) = candidates
            if name in lines:
                raise ConfigError(f"{where}: clip {row.clip!r} is the same as that of line {lines[name]}")
            lines[name] = row.line
            yield row.split, Recording(row.clip, row.label, found[name], subject=row.subject)


def training_clip(people: People, layout: Layout, persons: int, *, dimensions: int, confidence: bool) -> Reading:
    """What a network is trained on, and given at work, of the people in a clip.

    Args:
        people: at most `persons` of them.
        persons: M of the clip; who is not there is zeros.
        dimensions: D that `people` have to have: 2-D clips get the trunk as their unit, 3-D ones keep theirs.
        confidence: whether that becomes one more coordinate.

    Raises:
        ClipError: without the clip's name.
    """
    positions = people.positions.astype(np.float64)
    if len(positions) != dimensions:
        raise ClipError(f"has {len(positions)} coordinates where the first clip has {dimensions}")
    # half a joint tells the normalisation nothing
    positions[:, np.isnan(positions).any(axis=0)] = np.nan
    check_size(positions)
    try:
        positions = layout.normalise(positions, scale=dimensions == 2, coordinates=dimensions)
    except ClipError as error:
        raise ClipError(f"cannot be normalised: {error}") from error
    # in trunks, of which one may be next to nothing
    check_size(positions)
    clip, notes = finished(positions, people.confidence if confidence else None)
    absent = np.zeros((*clip.shape[:3], persons - clip.shape[3]), np.float32)
    return Reading(np.concatenate([clip, absent], axis=3), [*people.notes, *notes])


def files(raw: Path, suffixes: Collection[str]) -> dict[str, Path]:
    """The files below a folder that have one of these suffixes, by their paths within it."""
    there = sorted(path for path in raw.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    return {path.relative_to(raw).as_posix(): path for path in there}
