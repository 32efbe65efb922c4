"""A few clips in the format of upstream's NTU RGB+D files, for the modes of TIPC that begin with lite_train."""

from __future__ import annotations

import pickle
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from ctrgcn_plugin import unpickling
from ctrgcn_plugin.data import synthetic
from ctrgcn_plugin.errors import UserError, one_line
from ctrgcn_plugin.files import replacing
from ctrgcn_plugin.tipc.supplies import LITE

WHOLE = LITE.with_name("xsub")
# clips of the lite set, which a full-size network passes over twice in a minute or two
LITE_CLIPS = {"train": 12, "val": 4}
PARTS = ("data.npy", "label.pkl")


def make(root: Path) -> str:
    """Write the lite set, in the format of upstream's NTU RGB+D files; what it was made of, in words.

    Where the whole set is there, it is some clips of it; else they are procedural.
    """
    count = sum(LITE_CLIPS.values())
    if all((root / WHOLE / f"{split}_{part}").is_file() for split in LITE_CLIPS for part in PARTS):
        _take(root / WHOLE, root / LITE)
        return f"{count} clips of {WHOLE}"
    with tempfile.TemporaryDirectory() as folder:
        synthetic.make_dataset(folder, subjects=synthetic.HELD_OUT_EVERY, views=1)
        _take(Path(folder), root / LITE)
    return f"{count} procedural clips"


def _take(source: Path, target: Path) -> None:
    for split, count in LITE_CLIPS.items():
        _take_split(source, target, split, count)


def _take_split(source: Path, target: Path, split: str, count: int) -> None:
    """Clips at even distances: a set is ordered by subject and class, and they are of many."""
    try:
        data = np.load(source / f"{split}_data.npy", mmap_mode="r", allow_pickle=False)
        with (source / f"{split}_label.pkl").open("rb") as file:
            names, labels = unpickling.load(file)[:2]
    except (OSError, ValueError, TypeError, pickle.UnpicklingError) as error:
        raise UserError(f"the data in {source} cannot be read: {one_line(error)}") from error
    if not len(data) == len(names) == len(labels):
        raise UserError(f"{source}: {len(data)} clips in {split}_data.npy, {len(labels)} labels in {split}_label.pkl")
    rows = np.linspace(0, len(data) - 1, min(count, len(data))).astype(int)
    with ExitStack() as stack:
        np.save(stack.enter_context(replacing(target / f"{split}_data.npy")), data[rows])
        taken = [names[row] for row in rows], [int(labels[row]) for row in rows]
        pickle.dump(taken, stack.enter_context(replacing(target / f"{split}_label.pkl")), protocol=4)
