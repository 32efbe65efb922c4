"""The files that upstream's SkeletonDataset reads, written row by row, all of a data set or none."""

from __future__ import annotations

import csv
import pickle
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.prepare.source import Description, Protocols, Recording
from ctrgcn_plugin.data.prepare.store import ITEM, Store
from ctrgcn_plugin.data.prepared import CARD, DATA, LABELS, REPORT, Card
from ctrgcn_plugin.errors import UserError

LAYOUT = "layout.yaml"
STAGE = "finished"  # in the store's folder
COLUMNS = ("clip", "file", "outcome", "label", "subject", "frames", "persons", "notes")
# what must be the same for a data set to take another's place
IDENTITY = ("name", "layout", "coordinates", "persons", "unit", "classes", "options")


def card_of(description: Description, frames: int = 0, counts: Mapping[str, Mapping[str, int]] | None = None) -> Card:
    """What ``dataset.yaml`` will say; `frames` is T, `counts` the clips by protocol and split."""
    shipped = description.layout in layouts.available()
    card = Card(
        name=description.name,
        layout=description.layout if shipped else LAYOUT,
        coordinates=description.coordinates,
        persons=description.persons,
        frames=frames,
        unit=description.unit,
        classes=description.classes,
        protocols=counts or {},
        options=description.options,
    )
    return Card(**_plain(asdict(card)))


def check_target(out: Path, work: Path, description: Description, protocols: Protocols) -> None:
    """A UserError if writing to `out` would destroy what is no older result of the same preparation.

    Args:
        work: the store's folder; what it has begun to put into `out` is its own.
    """
    there, card = Card.read(out), card_of(description)
    if there is not None:
        differs = [name for name in IDENTITY if getattr(there, name) != getattr(card, name)]
        if differs:
            raise UserError(
                f"{out} already holds {there.name} with other {', '.join(differs)} than {description.name} would be "
                "prepared with now; give another folder, or delete that one"
            )
    elif not (work / STAGE).exists():
        files = (
            out / protocol / DATA.format(split=split) for protocol, splits in protocols.items() for split in splits
        )
        taken = next(filter(Path.exists, files), None)
        if taken is not None:
            raise UserError(f"{taken} is already there, without a {CARD} that says what it is; give another folder")


def write(
    out: Path,
    store: Store,
    description: Description,
    protocols: Protocols,
    recordings: Sequence[Recording],
    left_out: Mapping[str, str],
) -> Card:
    """Everything that belongs into `out`, from what is in the store.

    Args:
        recordings: all of them, for the report; at least one is kept.
        left_out: files that are no recording, with the reason.
    """
    stage = store.folder / STAGE
    shutil.rmtree(stage, ignore_errors=True)
    joints = layouts.get(description.layout).num_joints
    shapes = {each.name: store.entries[each.name].shape for each in recordings}
    frames = max(shape[1] for shape in shapes.values() if shape)
    counts: dict[str, dict[str, int]] = {}
    for protocol, splits in protocols.items():
        folder = stage / protocol
        folder.mkdir(parents=True)
        counts[protocol] = {}
        for split, rows in splits.items():
            kept = [each for each in rows if shapes[each.name]]
            shape = (len(kept), description.coordinates, frames, joints, description.persons)
            write_rows(folder / DATA.format(split=split), shape, (store.clip(each.name) for each in kept))
            write_labels(folder / LABELS.format(split=split), kept)
            counts[protocol][split] = len(kept)
    write_report(stage / REPORT, store, recordings, left_out)
    card = card_of(description, frames, counts)
    if card.layout == LAYOUT:
        shutil.copyfile(description.layout, stage / LAYOUT)
    (stage / CARD).write_text(card.text(), encoding="utf-8")
    _publish(stage, out)
    return card


def write_rows(path: Path, shape: Sequence[int], clips: Iterable[np.ndarray]) -> None:
    """An array of `shape` (N, C, T, V, M) as ``numpy.save`` writes it, one clip (C, T', V, M') in memory at a time.

    What is behind a clip's frames is zero, and not written: a file system can leave it out.
    """
    clip_count, coordinates, frames, joints, persons = shape
    block = frames * joints * persons * ITEM.itemsize
    with path.open("wb") as file:
        header = {"descr": ITEM.str, "fortran_order": False, "shape": tuple(shape)}
        np.lib.format.write_array_header_1_0(file, header)
        start = file.tell()
        for row, clip in enumerate(clips):
            everybody = np.zeros((*clip.shape[:-1], persons), ITEM)
            everybody[..., : clip.shape[-1]] = clip
            for axis, values in enumerate(everybody):
                file.seek(start + (row * coordinates + axis) * block)
                file.write(values.data)
        file.truncate(start + clip_count * coordinates * block)


def write_labels(path: Path, recordings: Sequence[Recording]) -> None:
    """Names and labels as upstream's script pickles them: a list of two arrays, the names as bytes."""
    names = np.array([each.name.encode() for each in recordings], np.bytes_)
    with path.open("wb") as file:
        pickle.dump([names, np.array([each.label for each in recordings], np.int64)], file)


def write_report(path: Path, store: Store, recordings: Iterable[Recording], left_out: Mapping[str, str]) -> None:
    """A line for each recording and each file that is none: whether it is kept, and what was left out of it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        report = csv.writer(file)
        report.writerow(COLUMNS)
        for each in recordings:
            _, shape, notes, _ = store.entries[each.name]
            frames, persons = (shape[1], shape[3]) if shape else ("", "")
            outcome, text = "kept" if shape else "left out", "; ".join(notes)
            report.writerow([each.name, each.file, outcome, each.label, each.subject, frames, persons, text])
        for name, reason in left_out.items():
            report.writerow([Path(name).stem, name, "left out", "", "", "", "", reason])


def _publish(stage: Path, out: Path) -> None:
    """What is in `stage` takes its place in `out`; without a card in between, so that nobody takes half for all."""
    (out / CARD).unlink(missing_ok=True)
    files = sorted(path for path in stage.rglob("*") if path.is_file() and path.name != CARD)
    for path in [*files, stage / CARD]:
        target = out / path.relative_to(stage)
        target.parent.mkdir(exist_ok=True)
        path.replace(target)


def _plain(value: Any) -> Any:
    """`value` of what YAML has."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
