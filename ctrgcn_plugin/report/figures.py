"""The figures of a report as plain geometry. Templates make inline SVG of it: small, crisp, in any colours.

Lengths are in SVG's user units, which are a browser's pixels where there is room.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ctrgcn_plugin.curves import Curves
from ctrgcn_plugin.report.calibration import Calibration

Points = Sequence[tuple[float, float]]

WIDTH, HEIGHT = 340.0, 210.0
LEFT, RIGHT, TOP, BOTTOM = 42.0, 16.0, 12.0, 34.0
TICKS = 4
SQUARE, SPREAD = 250.0, 44.0  # of a reliability diagram, and what is below it
# of a curve with no more points than this, each is marked
FEW = 30

MATRIX = 860.0  # wide and high, where that makes cells of a size between these
SMALLEST, LARGEST = 8.2, 44.0
FONT = 12.0
LETTER = 0.56  # of the font's size, on average
LONGEST = 28  # letters of a class's name
# with so many classes there is room for counts in the cells, and for names above the columns
FEW_CLASSES = 20
# a cell is drawn as strong as the share of its class that it has: up to the first share with the first opacity, ...
SHADES = ((0.01, 0.12), (0.03, 0.24), (0.1, 0.4), (0.25, 0.58), (0.5, 0.75), (1.0, 1.0))


class Tick(NamedTuple):
    """Where on an axis, and what it says."""

    at: float
    text: str


@dataclass(frozen=True)
class Frame:
    """Axes: ranges of x and y, and the whole figure's size with room for what stands beside them."""

    x: tuple[float, float]
    y: tuple[float, float]
    width: float = WIDTH
    height: float = HEIGHT

    def across(self, x: float) -> float:
        """Where `x` is; in the middle where all are the same."""
        low, high = self.x
        share = (x - low) / (high - low) if high > low else 0.5
        return round(LEFT + share * (self.width - LEFT - RIGHT), 1)

    def down(self, y: float) -> float:
        """Where `y` is."""
        low, high = self.y
        return round(self.height - BOTTOM - (y - low) / (high - low) * (self.height - TOP - BOTTOM), 1)

    def box(self, x_low: float, x_high: float, y_low: float, y_high: float) -> Box:
        """What is between these."""
        x, y = self.across(x_low), self.down(y_high)
        return Box(x, y, round(self.across(x_high) - x, 1), round(self.down(y_low) - y, 1))


class Line(NamedTuple):
    """A curve: its name, points, and whether each is marked."""

    name: str
    points: Points
    marked: bool


@dataclass(frozen=True)
class Chart:
    """Lines over the same axes, in user units."""

    title: str
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    lines: Sequence[Line]


class Box(NamedTuple):
    """A rectangle, from its upper left corner, in user units."""

    x: float
    y: float
    width: float
    height: float


class Bar(NamedTuple):
    """A bin of a reliability diagram: its accuracy, how high its confidence is, and how many clips it has."""

    accuracy: Box
    confidence: float
    clips: Box
    text: str


class Reliability(NamedTuple):
    """A reliability diagram, accuracy over confidence, and below it how the clips are spread."""

    bars: Sequence[Bar]
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    diagonal: Points
    width: float
    height: float


class Shade(NamedTuple):
    """All cells of one opacity, as an SVG path in cells; those on the diagonal are right."""

    right: bool
    opacity: float
    path: str


class Label(NamedTuple):
    """A class along an axis of the matrix: the middle of its row or column, in cells."""

    at: float
    text: str


class Count(NamedTuple):
    """A number in a cell, in cells; on a strong shade it is light."""

    x: float
    y: float
    clips: int
    light: bool


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix: rows are true classes, columns predicted ones.

    Attributes:
        cell: the side of one.
        gutter, head, right: room for the names of rows and columns: beside, above, and where these lean over.
        font: size of these.
        turned: whether columns have names, written at an angle, or numbers.
        cells: of all cells with clips true, predicted, clips, one after the other.
        totals: clips of each class.
    """

    classes: int
    cell: float
    gutter: float
    head: float
    right: float
    font: float
    turned: bool
    rows: Sequence[Label]
    columns: Sequence[Label]
    shades: Sequence[Shade]
    counts: Sequence[Count]
    cells: Sequence[int]
    totals: Sequence[int]


def matrix(taken: np.ndarray, names: Sequence[str]) -> Matrix:
    """The matrix of (K, K) counts."""
    classes = len(taken)
    cell = min(LARGEST, max(SMALLEST, MATRIX / classes))
    font, few = min(FONT, 0.9 * cell), classes <= FEW_CLASSES
    short = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in names]
    # numbers are as class labels are, and stand where columns have nothing else
    labels = short if few else [f"{name}  {index}" for index, name in enumerate(short)]
    longest = max(map(len, labels)) * font * LETTER
    lean = longest * math.sin(math.pi / 4)
    step = 1 if 2.2 * font * LETTER <= 0.95 * cell or few else 5
    shares = taken / np.maximum(taken.sum(axis=1, keepdims=True), 1)
    there = np.argwhere(taken)
    cells = [(int(t), int(p), int(taken[t, p])) for t, p in there]
    return Matrix(
        classes=classes,
        cell=cell,
        gutter=longest + font,
        head=lean + 1.5 * font if few else 2 * font,
        right=lean if few else font,
        font=font,
        turned=few,
        rows=[Label(index + 0.5, text) for index, text in enumerate(labels)],
        columns=[Label(index + 0.5, short[index] if few else str(index)) for index in range(0, classes, step)],
        shades=_shades(there, shares),
        counts=[Count(p + 0.5, t + 0.5, clips, bool(shares[t, p] > SHADES[-3][0])) for t, p, clips in cells] * few,
        cells=[number for each in cells for number in each],
        totals=taken.sum(axis=1).tolist(),
    )


def _shades(there: np.ndarray, shares: np.ndarray) -> list[Shade]:
    levels = np.searchsorted([share for share, _ in SHADES], [shares[t, p] for t, p in there], side="left")
    paths: dict[tuple[bool, int], list[str]] = {}
    for (true, predicted), level in zip(there.tolist(), levels.tolist()):
        paths.setdefault((true == predicted, min(level, len(SHADES) - 1)), []).append(f"M{predicted} {true}h1v1h-1z")
    return [Shade(right, SHADES[level][1], "".join(path)) for (right, level), path in sorted(paths.items())]


def reliability(calibration: Calibration) -> Reliability:
    """The diagram of all bins that have clips."""
    frame = Frame((0.0, 1.0), (0.0, 1.0), width=LEFT + RIGHT + SQUARE, height=TOP + BOTTOM + SQUARE)
    height, most = frame.height + SPREAD, max(each.clips for each in calibration.bins)
    bars = []
    for each in calibration.bins:
        if each.accuracy is None or each.confidence is None:
            continue
        text = f"confidence {each.low:.2f} to {each.high:.2f}, {each.clips} clips: {each.accuracy:.1%} right"
        accuracy, spread = frame.box(each.low, each.high, 0.0, each.accuracy), round(SPREAD * each.clips / most, 1)
        clips = Box(accuracy.x, round(height - spread, 1), accuracy.width, spread)
        bars.append(Bar(accuracy, frame.down(each.confidence), clips, text))
    marks = [(share, f"{share:.0%}") for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    return Reliability(
        bars,
        [Tick(frame.across(share), text) for share, text in marks],
        [Tick(frame.down(share), text) for share, text in marks],
        [(frame.across(share), frame.down(share)) for share in (0.0, 1.0)],
        frame.width,
        height,
    )


def curves(noted: Curves) -> list[Chart]:
    """Loss, accuracy and learning rate over the epochs, as far as they are noted."""
    charts = {
        "loss": {"training": "train_loss", "validation": "valid_loss"},
        "top-1": {"training": "train_top1", "validation": "valid_top1"},
        "learning rate": {"": "lr"},
    }
    made = []
    for title, columns in charts.items():
        series = {name: _known(noted, column) for name, column in columns.items()}
        series = {name: points for name, points in series.items() if points}
        if series:
            made.append(line_chart(title, series))
    return made


def _known(noted: Curves, column: str) -> Points:
    pairs = [(row.get("epoch"), row.get(column)) for row in noted.epochs]
    return [(x, y) for x, y in pairs if x is not None and y is not None and math.isfinite(y)]


def line_chart(title: str, series: Mapping[str, Points]) -> Chart:
    """A chart of named points, at least one; the y axis begins at 0 or below."""
    flat = [point for points in series.values() for point in points]
    x_low, x_high = min(x for x, _ in flat), max(x for x, _ in flat)
    y_marks = nice(min(0.0, *(y for _, y in flat)), max(y for _, y in flat))
    x_marks = [mark for mark in nice(x_low, x_high) if x_low <= mark <= x_high and mark == int(mark)] or [x_low]
    frame = Frame((x_low, x_high), (y_marks[0], y_marks[-1]))
    return Chart(
        title,
        [Tick(frame.across(mark), f"{mark:g}") for mark in x_marks],
        [Tick(frame.down(mark), f"{mark:g}") for mark in y_marks],
        [
            Line(name, [(frame.across(x), frame.down(y)) for x, y in points], len(points) <= FEW)
            for name, points in series.items()
        ],
    )


def nice(low: float, high: float, about: int = TICKS) -> list[float]:
    """Round numbers, a step of 1, 2, 2.5 or 5 times a power of ten apart, from `low` or below to `high` or above."""
    span = high - low or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / about))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= span / about * (1 - 1e-9))
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    # the digits that the step has, so that 3 * 0.1 is 0.3
    digits = max(0, 1 - math.floor(math.log10(step)))
    return [round(number * step, digits) for number in range(first, last + 1)]
