"""The checks of a split as a whole: shape, numbers, labels, joints, persons, units."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ctrgcn_plugin.data.checking.findings import FIX, NOTE, PROBLEM, WARNING, Finding
from ctrgcn_plugin.data.checking.splits import Split
from ctrgcn_plugin.data.prepare.source import SPLITS
from ctrgcn_plugin.data.units import METRES, PIXELS, TRUNKS
from ctrgcn_plugin.layouts import Layout

IMBALANCE = 10  # times
NORMALISED = 50  # no coordinate of a body is larger, be it in metres, trunk lengths or parts of a picture
TRUNK_LENGTHS = {METRES: (0.2, 1.2), TRUNKS: (0.5, 2.0)}  # unit -> how long a trunk may be in it
OTHER_UNITS = {"centimetres": (20, 120), "millimetres or pixels": (120, 2000)}


@dataclass(frozen=True)
class Expected:
    """What a split is held against.

    Attributes:
        shape: axis (a letter of NCTVM) -> size, as far as it is known.
        source: who says so.
        classes: how many there are.
        layout: None where it is not known.
        unit: of the coordinates; empty where it is not known.
    """

    shape: Mapping[str, int]
    source: str
    classes: int
    layout: Layout | None = None
    unit: str = ""


Check = Callable[[Split, Expected], Iterator[Finding]]


def shape(split: Split, expected: Expected) -> Iterator[Finding]:
    """Axes as the card and the layout have them."""
    if not len(split):
        yield Finding(PROBLEM, "shape", f"{split.data.name} holds no clips", "prepare the data anew")
        return
    sizes = dict(zip("NCTVM", split.shape))
    wrong = [f"{axis} is {sizes[axis]} and not {size}" for axis, size in expected.shape.items() if sizes[axis] != size]
    if wrong:
        what = f"{split.data.name} has (N, C, T, V, M) = {split.shape}: {', '.join(wrong)}"
        advice = f"{expected.source} says so: correct it, name another --layout, or prepare the data anew"
        yield Finding(PROBLEM, "shape", what, advice)


def dtype(split: Split, _: Expected) -> Iterator[Finding]:
    """Numbers as networks take them."""
    if split.dtype.kind != "f":
        what = f"values are {split.dtype}: integers are seldom in the unit of training data"
        yield Finding(WARNING, "dtype", what, "prepare the data anew, as float32")
    elif split.dtype != np.float32:
        yield Finding(WARNING, "dtype", f"values are {split.dtype}, and networks take float32", f"{FIX} converts them")


def labels(split: Split, expected: Expected) -> Iterator[Finding]:
    """One for each clip, and a class's number."""
    if split.labels is None:
        yield Finding(PROBLEM, "labels", split.fault, "without labels nothing can be trained or tested")
        return
    values = split.labels.labels
    if len(values) != len(split):
        what = f"there are {len(values)} labels for {len(split)} clips"
        yield Finding(PROBLEM, "labels", what, "data and labels are not of one preparation: make both anew")
    if len(values) and not split.labels.names:
        yield Finding(NOTE, "labels", "the label file has no clip names", "with names, subjects could be compared")
    wrong = np.flatnonzero((values < 0) | (values >= expected.classes)).tolist()
    if wrong:
        what = f"{len(wrong)} labels are not in 0..{expected.classes - 1}"
        clips = [split.clip(row, f"label {values[row]}") for row in wrong]
        yield Finding(PROBLEM, "labels", what, "labels are counted from 0; see how many classes the card names", clips)


def classes(split: Split, expected: Expected) -> Iterator[Finding]:
    """Clips of each class, and not too unequally many."""
    values = split.labels.labels if split.labels else np.zeros(0, int)
    known, counts = np.unique(values[(values >= 0) & (values < expected.classes)], return_counts=True)
    if not len(known):
        return
    absent = expected.classes - len(known)
    if absent:
        # of a wrong label of a billion not all lower ones are listed
        first = list(islice((label for label in range(expected.classes) if label not in known), 5))
        listed = ", ".join(map(str, first)) + (", ..." if absent > len(first) else "")
        severity, advice = (WARNING, "learnt") if split.name == SPLITS[0] else (NOTE, "tested")
        advice = f"they cannot be {advice}" + ("; do the labels start at 1?" if first == [0] else "")
        what = f"{absent} of {expected.classes} classes have no clip: {listed}"
        yield Finding(severity, "classes", what, advice)
    if counts.max() > IMBALANCE * counts.min():
        what = f"classes have {counts.min()} to {counts.max()} clips"
        yield Finding(NOTE, "classes", what, "accuracy is that of the large ones: look at the mean over classes")


def joints(split: Split, expected: Expected) -> Iterator[Finding]:
    """Each joint is somewhere, and moves."""
    facts = split.facts
    if not facts.frames.any():
        return
    zero = facts.reach.max(axis=0) == 0
    still = (facts.step.max(axis=0) == 0) & ~zero & bool((facts.frames > 1).any())
    names = split.joint_names(expected.layout)
    for flags, state in ((zero, "are zero"), (still, "never move")):
        found = [name for name, flag in zip(names, flags) if flag]
        if found:
            what = f"{len(found)} of {len(names)} joints {state} in all clips: {', '.join(found)}"
            # the origin of data whose every frame is centred is right to be so
            origin = flags is zero and len(found) == 1
            advice = "right for the joint on which each frame is centred; else it was not recorded"
            yield Finding(NOTE if origin else WARNING, "joints", what, advice)


def persons(split: Split, _: Expected) -> Iterator[Finding]:
    """Each of the M persons is in some clip."""
    facts = split.facts
    for person in range(1, split.shape[-1]):
        if len(split) and not facts.persons[:, person].any():
            what = f"person {person + 1} of {split.shape[-1]} is in no clip"
            yield Finding(NOTE, "persons", what, "with fewer persons M the training takes less time")


def units(split: Split, expected: Expected) -> Iterator[Finding]:
    """Coordinates in the unit that is named, or else in metres; pixels only where they are normalised."""
    largest = split.facts.reach.max(initial=0)
    planar = expected.layout.dimensions == 2 if expected.layout else split.shape[1] == 2
    if planar or expected.unit == PIXELS:
        if largest > NORMALISED:
            what = f"coordinates reach {largest:.4g}: they are pixels, and depend on the size of the picture"
            yield Finding(WARNING, "units", what, "centre and scale them, as ctrgcn prepare does")
        return
    unit = expected.unit or METRES
    trunk = split.facts.typical_trunk
    if not trunk or unit not in TRUNK_LENGTHS or TRUNK_LENGTHS[unit][0] <= trunk <= TRUNK_LENGTHS[unit][1]:
        return
    guess = next((f" but {other}" for other, (low, high) in OTHER_UNITS.items() if low <= trunk <= high), "")
    what = f"the median trunk is {trunk:.3g} long, so the unit is not {unit}{guess}"
    yield Finding(WARNING, "units", what, "convert them, or check the layout; pretrained weights know one unit")


CHECKS: tuple[Check, ...] = (shape, dtype, labels, classes, joints, persons, units)
