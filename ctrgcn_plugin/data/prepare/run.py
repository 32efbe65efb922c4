"""The preparation of a data set: every recording read once, on all cores, then written for all protocols."""

from __future__ import annotations

import json
import os
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Optional, Union

import numpy as np

from ctrgcn_plugin import __version__, layouts, terminal
from ctrgcn_plugin.data.prepare import workers as processes
from ctrgcn_plugin.data.prepare import writing
from ctrgcn_plugin.data.prepare.source import Description, Reading, Recording, Source
from ctrgcn_plugin.data.prepare.store import Store, mark
from ctrgcn_plugin.data.prepared import REPORT, Card
from ctrgcn_plugin.data.sample import AXES
from ctrgcn_plugin.errors import ClipError, ConfigError, UserError, one_line

WORK = ".prepare"
CHUNK = 16  # recordings that a process is given at once
SHOWN = 8
GAPS = "NaN in {frames} frames; ctrgcn data check --fix fills gaps"
KEPT = 16 * 2**20  # bytes
AGAIN = "what is read so far is kept, and the same command goes on from there"

# a recording's name, and its clip or why it is left out
Result = tuple[str, Union[Reading, str]]


@dataclass(frozen=True)
class Outcome:
    """What a preparation has made.

    Attributes:
        out: the folder.
        card: what its ``dataset.yaml`` says.
        clips: how many are kept.
        left_out: how many files or recordings are not, by reason.
    """

    out: Path
    card: Card
    clips: int
    left_out: Mapping[str, int]

    def lines(self) -> list[str]:
        """A summary for a user."""
        lines = [f"{self.card.name}: {self.clips} clips, the longest of {self.card.frames} frames, in {self.out}"]
        for protocol, splits in self.card.protocols.items():
            lines.append(f"  {protocol}: " + ", ".join(f"{count} {split}" for split, count in splits.items()))
        if self.left_out:
            lines.append(f"left out: {sum(self.left_out.values())}")
            reasons = sorted(self.left_out.items(), key=lambda item: -item[1])
            lines += [f"  {count}: {reason}" for reason, count in reasons[:SHOWN]]
            if len(reasons) > SHOWN:
                lines.append(f"  {sum(count for _, count in reasons[SHOWN:])}: other reasons")
        return [*lines, f"clip by clip: {self.out / REPORT}"]


def prepare(source: Source, out: Union[str, Path], *, workers: Optional[int] = None, progress: bool = True) -> Outcome:
    """Make of a data set what upstream's SkeletonDataset reads.

    A preparation that ended early, however it did, goes on where it was when it is started again.

    Args:
        source: the data set.
        out: gets a folder for each protocol, ``dataset.yaml`` and ``report.csv``.
        workers: processes that read; by default as many as there are cores.
        progress: show a bar, where standard error is a terminal.

    Raises:
        ConfigError: `workers` is below 1.
        ClipError: no clip is left, or one has another shape than the source says.
        UserError: `out` holds something else or cannot be written to, or a process has died.
    """
    out = Path(out)
    workers = _cores() if workers is None else workers
    if workers < 1:
        raise ConfigError(f"workers is {workers}; at least 1 is needed")
    description, protocols, left_out = source.describe(), source.protocols(), source.left_out()
    job = Job.of(source, description)
    rows = (each for splits in protocols.values() for split in splits.values() for each in split)
    recordings = list({each.name: each for each in rows}.values())
    reasons = Counter(left_out.values())
    if not recordings:
        raise ClipError(f"{description.name}: none of the files is in any split{_most(reasons)}")
    if not any(all(splits.values()) for splits in protocols.values()):
        sides = "; ".join(f"{name} has {_counts(splits)}" for name, splits in protocols.items())
        raise ClipError(f"{description.name}: no protocol has clips on both sides, to train and to test with: {sides}")
    _keep_freed_memory()
    try:
        writing.check_target(out, out / WORK, description, protocols)
        with Store(out / WORK, _key(source, description)) as store:
            _read(job, recordings, store, workers, progress)
            dropped = [each for each in recordings if not store.entries[each.name].shape]
            reasons.update(_kind(store.entries[each.name].notes[0], each.file) for each in dropped)
            if len(dropped) == len(recordings):
                store.remove()
                raise ClipError(f"{description.name}: no clip is left of {len(recordings)}{_most(reasons)}")
            card = writing.write(out, store, description, protocols, recordings, left_out)
            store.remove()
    except KeyboardInterrupt:
        sys.stderr.write(f"interrupted: {AGAIN}\n")
        raise
    except BrokenProcessPool as error:
        raise UserError(f"a process died that was reading, perhaps for want of memory; {AGAIN}") from error
    except OSError as error:
        raise UserError(f"{out} cannot be written: {one_line(error)}; {AGAIN}") from error
    return Outcome(out, card, len(recordings) - len(dropped), reasons)


@dataclass(frozen=True)
class Job:
    """What a process does: it reads recordings of `source`, whose clips have `shape` (C, V, M)."""

    source: Source
    shape: tuple[int, int, int]

    @classmethod
    def of(cls, source: Source, description: Description) -> Job:
        joints = layouts.get(description.layout).num_joints
        return cls(source, (description.coordinates, joints, description.persons))

    def __call__(self, recordings: Sequence[Recording]) -> list[Result]:
        return [(each.name, self.read(each)) for each in recordings]

    def read(self, recording: Recording) -> Union[Reading, str]:
        """A recording's clip, (C, T, V, M') without persons at the end who are all zero, or why it is left out.

        Raises:
            ClipError: the clip cannot be of this data set.
        """
        try:
            clip, notes = self.source.read(recording)
        except (ClipError, OSError) as error:
            return one_line(error)
        if clip.ndim != len(AXES) or (clip.shape[0], *clip.shape[2:]) != self.shape:
            channels, joints, persons = self.shape
            raise ClipError(
                f"recording {recording.name} of {recording.file} has shape {clip.shape}; the data set has "
                f"({channels}, T, {joints}, {persons}), which are ({', '.join(AXES)})"
            )
        if clip.shape[1] == 0:
            return f"clip {recording.file} has no frames"
        if not np.isfinite(clip).all():
            if np.isinf(clip).any():
                return f"clip {recording.file} has infinite values"
            gaps = np.count_nonzero(np.isnan(clip).any(axis=(0, 2, 3)))
            notes = [*notes, GAPS.format(frames=gaps)]
        there = [person for person in range(clip.shape[3]) if clip[..., person].any()]
        # half as much to move where the second one is all zero
        return Reading(clip[..., : max(there, default=0) + 1], notes)


def _read(job: Job, recordings: Sequence[Recording], store: Store, workers: int, progress: bool) -> None:
    """Put into the store what is not there yet."""
    marks = {file: mark(file) for file in {each.file for each in recordings}}
    names = {each.name: marks[each.file] for each in recordings}
    known = {name for name, entry in store.entries.items() if names.get(name) == entry.mark}
    missing = [each for each in recordings if each.name not in known]
    # small at the end of few, so that no process is left with much
    size = max(1, min(CHUNK, len(missing) // (4 * workers)))
    chunks = (missing[start : start + size] for start in range(0, len(missing), size))
    found = processes.results(job, chunks, min(workers, -(-len(missing) // size)))
    with closing(found), _bar(len(recordings), len(recordings) - len(missing), progress) as advance:
        for results in found:
            for name, result in results:
                store.add(name, names[name], result)
            store.flush()
            advance(len(results))


@contextmanager
def _bar(total: int, done: int, shown: bool) -> Iterator[Callable[[int], object]]:
    """A progress bar, on a terminal; what moves it on."""
    # importing tqdm takes as long as reading a hundred clips
    if not (shown and sys.stderr.isatty()):
        yield lambda count: None
        return
    with terminal.progress(total=total, initial=done, unit="clip") as bar:
        yield bar.update


def _keep_freed_memory() -> None:
    """Arrays of one clip take memory that is already there, here and in the processes that are forked.

    glibc gives what is freed back to the system, and half of the time goes into getting it again, until a large piece
    was freed: pieces up to its size are then kept.
    """
    np.empty(KEPT, np.uint8)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _key(source: Source, description: Description) -> str:
    """What clips in a store depend on, besides their files."""
    layout = b"" if description.layout in layouts.available() else Path(description.layout).read_bytes()
    what = [__version__, type(source).__module__, asdict(description), zlib.crc32(layout)]
    return json.dumps(what, sort_keys=True, default=str)


def _kind(reason: str, file: Path) -> str:
    """A reason without what is different for each file."""
    return reason.replace(f"clip {file} ", "").partition(":")[0]


def _counts(splits: Mapping[str, Sequence[Recording]]) -> str:
    return ", ".join(f"{len(rows)} {split}" for split, rows in splits.items())


def _most(reasons: Counter[str]) -> str:
    return "".join(f"; {count} of them: {reason}" for reason, count in reasons.most_common(1))
