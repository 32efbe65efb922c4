"""A clip as a strip of skeletons, from left to right in time; and the sheet that strips and animations are drawn on."""

from __future__ import annotations

import math
import os
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Optional

import numpy as np

from ctrgcn_plugin import terminal
from ctrgcn_plugin.drawing import fonts, skeleton
from ctrgcn_plugin.drawing.skeleton import IMPORTANCE_STEPS, PALE, Bone, Skeletons
from ctrgcn_plugin.drawing.timing import spread
from ctrgcn_plugin.environment import require_library
from ctrgcn_plugin.files import replacing
from ctrgcn_plugin.layouts import Layout

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D


PANEL = (2.0, 2.6)  # inches, widest and highest; the clip's own proportions decide which of the two it is
PANEL_NARROWEST = 0.8  # inches
FIGURE_NARROWEST = 4.6  # inches, for title and legend
DPI = 150

TITLE = 12  # points
LETTERS_PER_INCH = 9  # of a title
TITLE_LINE = 0.2  # inches
TITLE_LINES = 3
LEGEND_LINE = 0.17  # inches
LEGEND_COLUMNS = 3  # not all fingers fit side by side

BONE, HEAD = 2.2, 7.0  # points
# of a joint that is coloured by its importance, in points: of no importance, and of the most
JOINT_SIZES = (4.0, 11.0)


def draw_clip(
    clip: np.ndarray,
    path: str | os.PathLike[str],
    *,
    layout: Layout,
    title: str = "",
    frames: int = 8,
    unit: str = "",
    importance: Optional[np.ndarray] = None,
) -> None:
    """Draws some frames of a clip side by side, to one scale, as a PNG.

    Right limbs have a person's full colour, left ones are pale, the trunk is dark.

    Args:
        clip: (C, T, V, M), see :meth:`Skeletons.of`; a 3-D one is drawn from a little above and beside the camera.
        path: the picture appears there when it is whole.
        layout: names the V joints and the bones between them.
        title: stands above the strip.
        frames: how many to draw, evenly spread; fewer if the clip is shorter.
        unit: of the coordinates, if it is known.
        importance: (V,) from 0 to 1, to colour joints by.

    Raises:
        UserError: the clip cannot be drawn with this layout.
        EnvironmentSetupError: matplotlib is not installed.
    """
    skeletons = Skeletons.of(clip, layout, unit=unit, importance=importance)
    chosen = spread(skeletons.frames, frames)
    sheet = Sheet(skeletons, chosen, columns=len(chosen), panel=PANEL, title=title)
    for column, frame in enumerate(chosen):
        sheet.draw(column, frame, f"frame {frame}" if column == 0 else f"{frame}")
    with replacing(path) as file, fonts.quiet():
        # Without the version of matplotlib in the file, the same clip gives the same bytes.
        sheet.figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})


class _Stroke(NamedTuple):
    """A line from one to the other of `ends` (2, 3), of a width in points."""

    ends: np.ndarray
    colour: tuple[float, float, float]
    width: float

    def depth(self) -> float:
        return float(self.ends[:, 2].mean())


class Sheet:
    """A figure with a title, panels side by side to one scale, and a legend.

    Args:
        skeletons: who is drawn.
        shown: the frames that will be, which have to fit into a panel.
        columns: panels.
        panel: inches, widest and highest.

    Attributes:
        figure: matplotlib's; its size follows from all this.
    """

    def __init__(
        self,
        skeletons: Skeletons,
        shown: Sequence[int] | np.ndarray,
        columns: int,
        panel: tuple[float, float],
        title: str,
    ) -> None:
        matplotlib = require_library("matplotlib.figure", "plot", "drawing a clip")
        self._skeletons = skeletons
        self._points = skeletons.seen()
        visible = self._points[shown]
        low, high = skeleton.limits(visible if np.isfinite(visible).any() else self._points)
        scale = min(np.array(panel) / (high - low))  # inches for a unit of the data, across and upward
        air = np.array([max(PANEL_NARROWEST / scale - (high - low)[0], 0) / 2, 0])
        low, high = low - air, high + air
        width, height = (high - low) * scale
        self._point = 1 / (72 * scale)
        self._weight = math.sqrt(max(panel) / max(PANEL))  # larger pictures have thicker lines, but not as much
        strip = width * columns
        across = max(strip + 0.3, FIGURE_NARROWEST)
        title = _wrapped(title, across)
        handles = self._handles()

        # Inches, from below: the legend, the time stamps, the panels, the title.
        across_legend = min(len(handles if skeletons.importance is not None else skeletons.limbs), LEGEND_COLUMNS)
        bottom = 0.28 + LEGEND_LINE * math.ceil(len(handles) / across_legend)
        top = 0.3 + TITLE_LINE * (title.count("\n") + 1) if title else 0.15
        up = height + bottom + top
        edge = (across - strip) / 2 / across
        self.figure = matplotlib.Figure(figsize=(across, up), facecolor="white")
        self._panels = self.figure.subplots(1, columns, squeeze=False)[0]
        self.figure.subplots_adjust(edge, bottom / up, 1 - edge, 1 - top / up, wspace=0)
        for axes in self._panels:
            axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xticks=[], yticks=[])
            for spine in axes.spines.values():
                spine.set(color="0.85", linewidth=0.8)
        self._drawn: list[list[Artist]] = [[] for _ in self._panels]
        # what a user calls an action is no formula, even with a dollar in it
        text = self.figure.suptitle(
            title,
            y=1 - 0.12 / up,
            va="top",
            fontsize=TITLE,
            color="0.1",
            parse_math=False,
            family=fonts.families(title),
        )
        legend = self.figure.legend(
            handles=handles,
            loc="lower center",
            ncols=across_legend,
            fontsize=8,
            frameon=False,
            labelcolor="0.25",
            borderaxespad=0.2,
        )
        self._still = [text, legend, *(spine for axes in self._panels for spine in axes.spines.values())]

    def freeze(self, dpi: int) -> None:
        """Makes an image of what stays the same from here on, which saves most of the time for a frame at `dpi`."""
        agg = require_library("matplotlib.backends.backend_agg", "plot", "drawing a clip")
        self.figure.set_dpi(dpi)
        canvas = agg.FigureCanvasAgg(self.figure)
        with fonts.quiet():
            canvas.draw()
        image = np.array(canvas.buffer_rgba())
        for artist in self._still:
            artist.set_visible(False)
        self.figure.figimage(image, zorder=-1)
        for axes in self._panels:
            axes.patch.set_visible(False)

    def draw(self, column: int, frame: int, label: str) -> None:
        """A frame's people into a panel, instead of those who are there."""
        for artist in self._drawn[column]:
            artist.remove()
        axes = self._panels[column]
        axes.set_xlabel(label, fontsize=9, color="0.35", labelpad=3)
        self._drawn[column] = [self._draw_bones(axes, frame)]
        if self._skeletons.importance is not None:
            self._drawn[column] += [
                self._draw_joints(axes, self._points[frame, person]) for person in self._people(frame)
            ]

    def _people(self, frame: int) -> list[int]:
        return np.flatnonzero(self._skeletons.present[frame]).tolist()

    def _draw_bones(self, axes: Axes, frame: int) -> Artist:
        """Of everybody; what is nearer covers what is behind."""
        collections = require_library("matplotlib.collections", "plot", "drawing a clip")
        strokes: list[_Stroke] = []
        for person in self._people(frame):
            points = self._points[frame, person]
            strokes += [
                _Stroke(points[[bone.parent, bone.joint]], self._colour(person, bone), BONE)
                for bone in self._skeletons.bones
            ]
            head = self._skeletons.head
            if head is not None and self._skeletons.importance is None:
                # with its round ends, a line of next to no length is a disc
                ends = points[[head, head]] + np.outer([-0.2, 0.2], [self._point, self._point, 0])
                strokes.append(_Stroke(ends, _shade(person, "trunk"), HEAD))
        strokes = sorted((stroke for stroke in strokes if np.isfinite(stroke.ends).all()), key=_Stroke.depth)
        artist = collections.LineCollection(
            [stroke.ends[:, :2] for stroke in strokes],
            colors=[stroke.colour for stroke in strokes],
            linewidths=[self._weight * stroke.width for stroke in strokes],
            capstyle="round",
        )
        return axes.add_collection(artist, autolim=False)

    def _colour(self, person: int, bone: Bone) -> tuple[float, float, float]:
        if self._skeletons.importance is not None:
            return skeleton.mixed(skeleton.colour_of(person), 1.0, PALE)
        return _shade(person, bone.limb)

    def _draw_joints(self, axes: Axes, points: np.ndarray) -> Artist:
        """One person's, (V, 3), by their importance; the most important one above all others."""
        values = self._skeletons.importance
        assert values is not None
        order = [joint for joint in np.argsort(values, kind="stable") if np.isfinite(points[joint]).all()]
        x, y, _ = points[order].T
        colours = skeleton.importance_colours(values[order])
        return axes.scatter(
            x, y, s=_joint_size(values[order]) ** 2, c=colours, edgecolors="0.15", linewidths=0.5, zorder=3
        )

    def _handles(self) -> list[Line2D]:
        """The legend: of limbs, or of steps of importance."""
        lines = require_library("matplotlib.lines", "plot", "drawing a clip")
        if self._skeletons.importance is not None:
            steps = np.array(IMPORTANCE_STEPS)
            edge = {"markeredgecolor": "0.15", "markeredgewidth": 0.5, "marker": "o", "linestyle": ""}
            return [
                lines.Line2D([], [], label=f"importance {step:g}", color=colour, markersize=size, **edge)
                for step, size, colour in zip(steps, _joint_size(steps), skeleton.importance_colours(steps))
            ]
        return [
            lines.Line2D([], [], color=_shade(entry.person, entry.limb), linewidth=2.5, label=entry.name)
            for entry in self._skeletons.legend()
        ]


def _shade(person: int, limb: str) -> tuple[float, float, float]:
    return skeleton.shade(skeleton.colour_of(person), limb)


def _joint_size(importance: np.ndarray) -> np.ndarray:
    """Diameters in points."""
    small, large = JOINT_SIZES
    return small + (large - small) * importance


def _wrapped(title: str, inches: float) -> str:
    """In as many lines as are needed, and not more than fit."""
    # a Chinese letter is as wide as two
    widest = inches * LETTERS_PER_INCH * len(title) / max(terminal.columns_of(title), 1)
    return "\n".join(textwrap.wrap(title, max(int(widest), 8), max_lines=TITLE_LINES, placeholder=" …"))
