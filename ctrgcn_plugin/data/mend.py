"""A mended copy of prepared data: gaps filled, clips of which nothing can be learnt left out, all as float32."""

from __future__ import annotations

import csv
import io
import pickle
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np

from ctrgcn_plugin.data import gaps
from ctrgcn_plugin.data.checking.facts import each_clip
from ctrgcn_plugin.data.checking.findings import Clip
from ctrgcn_plugin.data.checking.splits import Protocol, Split, label_file
from ctrgcn_plugin.data.checking.surroundings import Surroundings
from ctrgcn_plugin.data.prepared import CARD, REPORT, Labels
from ctrgcn_plugin.data.sample import valid_frames
from ctrgcn_plugin.errors import ClipError, one_line
from ctrgcn_plugin.files import replacing

FIXES = "fixes.csv"
COLUMNS = ("split", "row", "clip", "what")
LOST = 0.5  # of a clip's values; a network would learn what we have made up


def check_target(folder: Path, target: Path) -> None:
    """A ClipError if a copy of `folder` cannot be at `target`."""
    if folder.resolve() in (target.resolve(), *target.resolve().parents):
        raise ClipError(f"the mended copy cannot go to {target}, which is in {folder} itself; give another folder")
    if target.is_file() or any(path.is_file() for path in target.rglob("*")):
        raise ClipError(f"the mended copy cannot go to {target}, where there are files; give a new folder")


def write(protocols: Sequence[Protocol], known: Surroundings, target: Path) -> list[Clip]:
    """Write the copy: all of it, or nothing.

    Returns:
        The clips that are changed or left out; their rows are the original's.

    Raises:
        ClipError: data or labels cannot be read or do not belong together, nothing would be left, or the disk is full.
    """
    for protocol in protocols:
        _check(protocol)
    changed: list[Clip] = []
    written: list[IO[bytes]] = []
    try:
        with ExitStack() as files:

            def new(*path: str | Path) -> IO[bytes]:
                written.append(files.enter_context(replacing(target.joinpath(*path))))
                return written[-1]

            # what is opened first takes its name last: where there is a card, the data are complete
            for name, content in _beside(protocols, known):
                new(name).write(content)
            for protocol in protocols:
                inside = protocol.folder.resolve().relative_to(known.home.resolve())
                for split in protocol.splits.values():
                    rows, changes = _write_clips(split, new(inside, split.data.name))
                    changed += [clip._replace(split=f"{protocol.name}/{split.name}") for clip in changes]
                    if split.labels:
                        labels = label_file(split.data)
                        _write_labels(split.labels, rows, new(inside, labels.name), labels.suffix)
            new(FIXES).write(_table(changed))
            # a disk that is full is noticed before the first of them takes its name
            for file in written:
                file.flush()
    except OSError as error:
        raise ClipError(f"the mended copy in {target} cannot be written: {one_line(error)}") from error
    return changed


def hopeless(split: Split) -> dict[int, str]:
    """row -> reason, of the clips that are left out."""
    facts = split.facts
    reasons = {
        "all zero": facts.frames == 0,
        "a single frame": facts.frames == 1,
        "half of its values or more are missing": facts.lost >= LOST,
    }
    return {int(row): reason for reason, flags in reversed(reasons.items()) for row in np.flatnonzero(flags)}


def mended(clip: np.ndarray) -> tuple[np.ndarray, str]:
    """A clip without NaN, infinite values and short absences of the first person, by :func:`gaps.fill`'s rule.

    Args:
        clip: (C, T, V, M) of any numbers.

    Returns:
        (C, T, V, M) float32, and what is changed; empty where nothing is.
    """
    with np.errstate(over="ignore"):
        clip = np.array(clip, np.float32)
    inside = clip[:, : valid_frames(clip)]
    broken = ~np.isfinite(inside)
    absent = ~np.any(inside, axis=(0, 2))  # (T, M)
    first = absent[:, :1]
    if not broken.any() and not first.any():
        return clip, ""
    filled, _ = gaps.fill(np.where(broken | absent[:, None], np.nan, inside))
    # others may come and go, unless the first person is missing as well
    inside[...] = np.where(broken | (absent & first)[:, None], filled, inside)
    nobody = ~np.any(inside, axis=(0, 2))
    changes = {
        "values filled": (broken & ~nobody[:, None]).sum(),
        "values of nobody set to zero": (broken & nobody[:, None]).sum(),
        "frames without the first person filled": (first & ~nobody[:, :1]).sum(),
    }
    return clip, ", ".join(f"{count} {what}" for what, count in changes.items() if count)


def _check(protocol: Protocol) -> None:
    reasons = list(protocol.faults)
    for split in protocol.splits.values():
        labels = label_file(split.data)
        if split.labels is None and labels.exists():
            reasons.append(split.fault)
        elif split.labels and len(split.labels.labels) != len(split):
            reasons.append(f"{labels} has {len(split.labels.labels)} labels for {len(split)} clips")
        elif len(hopeless(split)) == len(split):
            reasons.append(f"{split.data} has no clip that is worth keeping")
    if reasons:
        raise ClipError(f"no mended copy can be made: {reasons[0]}")


def _beside(protocols: Sequence[Protocol], known: Surroundings) -> Iterator[tuple[str, bytes]]:
    """Names and contents of what is beside the data: the card, its layout, the preparation's report."""
    if known.card:
        counts = {
            protocol.name: {name: len(split) - len(hopeless(split)) for name, split in protocol.splits.items()}
            for protocol in protocols
        }
        layout = Path(known.card.graph(known.home))
        card = replace(known.card, protocols=counts, layout=layout.name)
        yield CARD, card.text().encode()
        if layout.is_file():
            yield layout.name, layout.read_bytes()
    if (known.home / REPORT).is_file():
        yield REPORT, (known.home / REPORT).read_bytes()


def _write_clips(split: Split, file: IO[bytes]) -> tuple[list[int], list[Clip]]:
    """The rows that are written, and the clips that are not as they were."""
    out = hopeless(split)
    rows = [row for row in range(len(split)) if row not in out]
    shape = (len(rows), *split.shape[1:])
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
    changes = []
    for row, clip in enumerate(each_clip(split.data)):
        if row in out:
            changes.append(split.clip(row, f"left out: {out[row]}"))
            continue
        whole, what = mended(clip)
        file.write(np.ascontiguousarray(whole, "<f4").data)
        if what:
            changes.append(split.clip(row, what))
    return rows, changes


def _write_labels(labels: Labels, rows: Sequence[int], file: IO[bytes], suffix: str) -> None:
    if suffix == ".npy":
        np.save(file, labels.labels[rows])
    else:
        # plain lists, which any NumPy can unpickle
        names = [labels.names[row] for row in rows] if labels.names else []
        pickle.dump((names, labels.labels[rows].tolist()), file, protocol=4)


def _table(changed: Sequence[Clip]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(changed)
    return text.getvalue().encode()
