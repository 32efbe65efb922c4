"""A clip as a strip of skeletons, from left to right in time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ctrgcn_plugin.environment import require_library
from ctrgcn_plugin.errors import UserError
from ctrgcn_plugin.files import replacing
from ctrgcn_plugin.layouts import Layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind people tell apart; one for each person.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
# A limb's side is a shade of the person's colour: (towards which grey, how far).
SHADES = {"trunk": (0.0, 0.45), "right": (0.0, 0.0), "left": (1.0, 0.5)}

# Degrees. From a little above and beside the camera, an arm that points at it is not a dot.
VIEW_YAW, VIEW_PITCH = 25.0, 12.0

PANEL = (2.0, 2.6)  # inches, widest and highest; the clip's own proportions decide which of the two it is
PANEL_NARROWEST = 0.8  # inches
FIGURE_NARROWEST = 4.0  # inches, for the title
MARGIN = 0.06  # of the larger extent of all that is drawn
DPI = 150


class Bone(NamedTuple):
    """Two joints and the side of the body they are on: a key of :data:`SHADES`."""

    joint: int
    parent: int
    side: str


def draw_clip(
    clip: np.ndarray,
    path: str | os.PathLike[str],
    *,
    layout: Layout,
    title: str = "",
    frames: int = 8,
) -> None:
    """Draws some frames of a clip side by side, to one scale, as a PNG.

    Persons who are all zeros in a frame are not drawn, frames after the last that shows anybody are
    left out. Right limbs have a person's full colour, left ones are pale, the trunk is dark.

    Args:
        clip: (C, T, V, M). C = 2: x to the right, y up. C = 3: as the Kinect has it, x to the right
            of a person who faces the camera, y up, z away from the camera; drawn as the camera sees
            it, from a little above and beside.
        path: the picture appears there when it is whole.
        layout: names the V joints and the bones between them.
        title: stands above the strip.
        frames: how many to draw, evenly spread; fewer if the clip is shorter.

    Raises:
        UserError: the clip cannot be drawn with this layout.
        EnvironmentSetupError: matplotlib is not installed.
    """
    clip = np.asarray(clip)
    _check(clip, layout, frames)
    figure = _figure(clip, layout, title, frames)
    with replacing(path) as file:
        # Without the version of matplotlib in the file, the same clip gives the same bytes.
        figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})


def _check(clip: np.ndarray, layout: Layout, frames: int) -> None:
    if clip.ndim != 4 or clip.shape[0] not in (2, 3):
        raise UserError(f"cannot draw a clip of shape {clip.shape}: it takes (C, T, V, M) with C = 2 or 3")
    if clip.shape[2] != layout.num_joints:
        raise UserError(
            f"cannot draw a clip of {clip.shape[2]} joints with layout {layout.name!r}, which has {layout.num_joints}"
        )
    if not np.isfinite(clip).all():
        raise UserError("cannot draw a clip with numbers that are not finite (nan or inf)")
    if not clip.any():
        raise UserError("cannot draw a clip that is all zeros: nobody is in it")
    if frames < 1:
        raise UserError(f"cannot draw frames={frames}: at least 1")


def _figure(clip: np.ndarray, layout: Layout, title: str, frames: int) -> Figure:
    matplotlib = require_library("matplotlib.figure", "plot", "drawing a clip")
    present = (clip != 0).any(axis=(0, 2))  # (T, M)
    chosen = _spread(int(np.flatnonzero(present.any(axis=1))[-1]) + 1, frames)
    points = _project(clip)  # (T, M, V, 3)
    low, high = _limits(points[chosen][present[chosen]] if present[chosen].any() else points[present])
    scale = min(np.array(PANEL) / (high - low))  # inches for a unit of the data, across and upward
    air = np.array([max(PANEL_NARROWEST / scale - (high - low)[0], 0) / 2, 0])
    low, high = low - air, high + air
    width, height = (high - low) * scale
    persons = np.flatnonzero(present.any(axis=0))

    # Inches, from below: the legend, the time stamps, the panels, the title.
    bottom, top, edge = 0.45 + 0.17 * len(persons), 0.5 if title else 0.15, 0.15
    strip = width * len(chosen)
    size = (max(strip + 2 * edge, FIGURE_NARROWEST), height + bottom + top)
    edge = (size[0] - strip) / 2
    figure = matplotlib.Figure(figsize=size, facecolor="white")
    axes = figure.subplots(1, len(chosen), squeeze=False)[0]
    figure.subplots_adjust(edge / size[0], bottom / size[1], 1 - edge / size[0], 1 - top / size[1], wspace=0)
    bones = _bones(layout)
    for panel, frame in zip(axes, chosen):
        _frame_panel(panel, low, high, f"frame {frame}" if frame == chosen[0] else f"{frame}")
        for person in np.flatnonzero(present[frame]):
            _draw_person(panel, points[frame, person], bones, COLOURS[person % len(COLOURS)], layout)
    figure.suptitle(title, y=1 - 0.12 / size[1], va="top", fontsize=12, color="0.1")
    _explain_colours(figure, persons, {bone.side for bone in bones})
    return figure


def _spread(length: int, frames: int) -> np.ndarray:
    """At most so many of the frames 0 ... length - 1, the first and the last among them."""
    return np.unique(np.linspace(0, length - 1, min(frames, length)).round().astype(int))


def _project(clip: np.ndarray) -> np.ndarray:
    """(C, T, V, M) -> (T, M, V, 3): to the right and up in the picture, and toward the viewer."""
    points = np.moveaxis(clip, 0, -1).swapaxes(1, 2).astype(float)
    if points.shape[-1] == 2:
        return np.concatenate([points, np.zeros_like(points[..., :1])], axis=-1)
    points = points * [-1, 1, -1]  # the Kinect's x points to its own left, its z away from it
    c, s = np.cos(np.radians(VIEW_YAW)), np.sin(np.radians(VIEW_YAW))
    points = points @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T
    c, s = np.cos(np.radians(VIEW_PITCH)), np.sin(np.radians(VIEW_PITCH))
    return points @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]).T


def _limits(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper corner, (2,) each, of a box around `points` (..., 3) with some air."""
    flat = points.reshape(-1, 3)[:, :2]
    low, high = flat.min(axis=0), flat.max(axis=0)
    air = MARGIN * max(float((high - low).max()), 1e-6)
    return low - air, high + air


def _bones(layout: Layout) -> list[Bone]:
    """A bone is on the side that its joint's name begins with."""
    sides = [name.split("_")[0] for name in layout.joints]
    return [Bone(j, p, sides[j] if sides[j] in SHADES else "trunk") for j, p in layout.bones]


def _shade(colour: str, side: str) -> tuple[float, float, float]:
    """RGB, 0 to 1."""
    grey, share = SHADES[side]
    red, green, blue = ((1 - share) * int(colour[i : i + 2], 16) / 255 + share * grey for i in (1, 3, 5))
    return red, green, blue


def _frame_panel(panel: Axes, low: np.ndarray, high: np.ndarray, label: str) -> None:
    panel.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xticks=[], yticks=[])
    panel.set_xlabel(label, fontsize=9, color="0.35", labelpad=3)
    for spine in panel.spines.values():
        spine.set(color="0.85", linewidth=0.8)


def _draw_person(panel: Axes, points: np.ndarray, bones: list[Bone], colour: str, layout: Layout) -> None:
    """One skeleton, `points` (V, 3) as :func:`_project` gives them. What is nearer covers what is behind."""
    for bone in bones:
        ends = points[[bone.parent, bone.joint]]
        panel.plot(
            ends[:, 0],
            ends[:, 1],
            color=_shade(colour, bone.side),
            linewidth=2.2,
            solid_capstyle="round",
            marker="o",
            markersize=2.2,
            zorder=2 + _rank(ends[:, 2].mean()),
        )
    if "head" in layout.joints:
        x, y, depth = points[layout.joints.index("head")]
        panel.plot(x, y, "o", color=_shade(colour, "trunk"), markersize=7, zorder=2 + _rank(depth))


def _rank(depth: float) -> float:
    """Between 0 and 1, larger for what is nearer."""
    return float(1 / (1 + np.exp(-depth)))


def _explain_colours(figure: Figure, persons: np.ndarray, sides: set[str]) -> None:
    """A line of the legend for each person, a column for each side."""
    from matplotlib.lines import Line2D

    lines, columns = [], [side for side in SHADES if side in sides]
    for side in columns:
        for person in persons:
            label = f"person {person + 1}, {side}" if len(persons) > 1 else side
            lines.append(Line2D([], [], color=_shade(COLOURS[person % len(COLOURS)], side), linewidth=2.5, label=label))
    figure.legend(
        handles=lines,
        loc="lower center",
        ncols=len(columns),
        fontsize=8,
        frameon=False,
        labelcolor="0.25",
        borderaxespad=0.2,
    )
