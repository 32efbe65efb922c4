"""What a benchmark has measured, as rows of numbers, a table, CSV and a plot."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Optional

from ctrgcn_plugin import terminal
from ctrgcn_plugin.drawing.skeleton import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = Mapping[str, Any]

MARKER = 8  # points
MARKERS = ("o", "s", "^", "D")
SIZE = (8.0, 5.0)  # inches
DPI = 150
# where a label may stand beside its marker, in points, the first choice first
PLACES = [(7 * side, 5 + 12 * step) for step in (0, -1.3, 1, -2.3, 2, -3.3, 3, -4.3, 4, -5.3) for side in (1, -1)]
NEAR = 4  # of these: no line is needed from there


@dataclass(frozen=True)
class Measurement:
    """One case of a benchmark.

    Attributes:
        case: what it is called.
        size_mb: of the model's files, in 10^6 bytes.
        accuracy: per cent, as the user says.
        seconds: of its run in each round; none where it failed.
        load_s: from before loading to after the first run.
        loaded_mb, peak_mb: most memory of its process until it was loaded, and until it had run, in 10^6 bytes.
        error: of its scores relative to the network's own.
        failed: why it could not be measured.
    """

    case: str
    model: str
    setting: str
    threads: int
    batch: int
    persons: int
    size_mb: float
    accuracy: Optional[float] = None
    seconds: Sequence[float] = field(default=())
    load_s: Optional[float] = None
    loaded_mb: Optional[float] = None
    peak_mb: Optional[float] = None
    error: Optional[float] = None
    failed: Optional[str] = None


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """The first, the median and the third, interpolated between the values; all the same of one value."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, median, high


def summarise(measured: Sequence[Measurement], baseline: str) -> list[dict[str, Any]]:
    """A row of numbers for each case; None for what is not known.

    ``ratio`` is how many times as fast it is as the case called `baseline`: by the median times for a clip. Its
    quartiles are those of the ratios within each round, in which both met the same state of the machine.
    """
    base = next(one for one in measured if one.case == baseline)
    return [_row(one, base) for one in measured]


def _row(one: Measurement, base: Measurement) -> dict[str, Any]:
    row: dict[str, Any] = {"case": one.case, "model": one.model, "setting": one.setting}
    row.update(threads=one.threads, batch=one.batch, persons=one.persons)
    row.update(dict.fromkeys(("median_ms", "q1_ms", "q3_ms", "min_ms", "ratio", "ratio_q1", "ratio_q3")))
    row.update(clips_per_second=None)
    if one.seconds:
        low, median, high = quartiles(one.seconds)
        row.update(median_ms=1e3 * median, q1_ms=1e3 * low, q3_ms=1e3 * high, min_ms=1e3 * min(one.seconds))
        row.update(clips_per_second=one.batch / median)
    if one.seconds and base.seconds:
        clips = one.batch / base.batch
        low, _, high = quartiles([clips * its / own for own, its in zip(one.seconds, base.seconds)])
        row.update(ratio=clips * statistics.median(base.seconds) / median, ratio_q1=low, ratio_q3=high)
    row.update(size_mb=one.size_mb, loaded_mb=one.loaded_mb, peak_mb=one.peak_mb, load_s=one.load_s)
    row.update(error=one.error, accuracy=one.accuracy, failed=one.failed)
    return row


def as_table(rows: Sequence[Row]) -> str:
    """Aligned lines of text; a case that failed has its reason instead of numbers."""
    columns = {
        "case": lambda row: row["case"],
        "median ms": lambda row: _number(row["median_ms"], 2),
        "quartiles": lambda row: _pair(row["q1_ms"], row["q3_ms"]),
        "min": lambda row: _number(row["min_ms"], 2),
        "ratio": lambda row: _number(row["ratio"], 2),
        "quartiles of it": lambda row: _pair(row["ratio_q1"], row["ratio_q3"]),
        "clips/s": lambda row: _number(row["clips_per_second"], 1),
        "files MB": lambda row: _number(row["size_mb"], 2),
        "peak MB": lambda row: _number(row["peak_mb"], 0),
        "load s": lambda row: _number(row["load_s"], 2),
        "error": lambda row: "-" if row["error"] is None else f"{row['error']:.1e}",
    }
    if any(row["accuracy"] is not None for row in rows):
        columns["accuracy %"] = lambda row: _number(row["accuracy"], 2)
    cells = [
        [row["case"], f"failed: {row['failed']}"] if row["failed"] else [show(row) for show in columns.values()]
        for row in rows
    ]
    return "\n".join(terminal.table(list(columns), cells))


def _number(value: Optional[float], digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _pair(low: Optional[float], high: Optional[float]) -> str:
    return "-" if low is None else f"{_number(low, 2)} to {_number(high, 2)}"


def as_csv(rows: Sequence[Row]) -> str:
    """The rows with a header; what is not known is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def plot(rows: Sequence[Row], file: IO[bytes], title: str = "") -> None:
    """Draw accuracy, or size where no accuracy is known, over the time for a clip, as a PNG.

    Each case that did not fail is a marker with its quartiles, each engine has a marker of its own.
    """
    # a Figure without pyplot draws with Agg, whatever backend the user has
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter

    rows = [row for row in rows if not row["failed"]]
    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    by_accuracy = any(row["accuracy"] is not None for row in rows)
    height = "accuracy" if by_accuracy else "size_mb"
    found = list(dict.fromkeys(_engine(row) for row in rows))
    for place, engine in enumerate(found):
        own = [row for row in rows if _engine(row) == engine]
        x = [row["median_ms"] / row["batch"] for row in own]
        spread = [
            [(row["median_ms"] - row["q1_ms"]) / row["batch"] for row in own],
            [(row["q3_ms"] - row["median_ms"]) / row["batch"] for row in own],
        ]
        axes.errorbar(
            x,
            [row[height] for row in own],
            xerr=spread,
            fmt=MARKERS[place % len(MARKERS)],
            color=COLOURS[place % len(COLOURS)],
            markersize=MARKER,
            elinewidth=1,
            label=engine,
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("milliseconds a clip (median, quartiles)")
    axes.set_ylabel("accuracy, %" if by_accuracy else "files, MB")
    axes.set_title(title, fontsize=10)
    axes.margins(x=0.25, y=0.25)
    axes.grid(visible=True, which="both", color="0.92")
    axes.set_axisbelow(True)
    if rows:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
        _label(figure, axes, rows, height)
    # without the version of matplotlib in it, the same numbers give the same file
    figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})


def _engine(row: Row) -> str:
    return str(row["setting"]).partition("/")[0]


def _label(figure: Figure, axes: Axes, rows: Sequence[Row], height: str) -> None:
    """Name each marker, where there is room beside it."""
    from matplotlib.transforms import Bbox

    figure.draw_without_rendering()  # fixes where the axes are
    points = [(row["median_ms"] / row["batch"], row[height]) for row in rows]
    taken = [Bbox.from_bounds(x, y, 0, 0).padded(MARKER * DPI / 144) for x, y in axes.transData.transform(points)]
    for row, at in zip(rows, points):
        for x, y in PLACES:
            text = axes.annotate(
                _short(row, rows),
                at,
                xytext=(x, y),
                textcoords="offset points",
                fontsize=7,
                color="0.25",
                ha="left" if x > 0 else "right",
            )
            box = text.get_window_extent()
            # the last place stays, crowded as it is
            if (x, y) == PLACES[-1] or not any(box.overlaps(other) for other in taken):
                taken.append(box)
                if (x, y) not in PLACES[:NEAR]:
                    line = {"arrowstyle": "-", "color": "0.7", "linewidth": 0.6, "shrinkA": 0}
                    axes.annotate("", at, xytext=(x, y), textcoords="offset points", arrowprops=line, zorder=1)
                break
            text.remove()


def _short(row: Row, rows: Sequence[Row]) -> str:
    """What tells this case from the others of its engine."""
    parts = [row["model"]]
    how = str(row["setting"]).partition("/")[2]
    if len({str(other["setting"]) for other in rows if _engine(other) == _engine(row)}) > 1:
        parts.append(how)
    for letter, key in (("t", "threads"), ("b", "batch"), ("p", "persons")):
        if len({other[key] for other in rows}) > 1:
            parts.append(f"{letter}{row[key]}")
    return " ".join(parts)
