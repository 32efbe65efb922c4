"""A learned topology as a picture: matrices over the joints, and its strongest links in the body."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Optional

import numpy as np

from ctrgcn_plugin.drawing import fonts
from ctrgcn_plugin.drawing.skeleton import COLOURS, Skeletons, limits
from ctrgcn_plugin.environment import require_library
from ctrgcn_plugin.errors import ClipError, unknown
from ctrgcn_plugin.files import replacing
from ctrgcn_plugin.layouts import Layout

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ctrgcn_plugin.models.topology import Topology

COLUMNS = 3  # of panels
LINKS = 12
LINK_COLOUR = COLOURS[1]
THIN, THICK = 0.6, 2.8  # points, of the weakest link that there could be and of the strongest
COLOUR_MAP = "PuBu"  # of matplotlib; from nearly white, ever darker
GAMMA = 0.5  # of the colour scale, so that weak links are seen beside bones
CELL = 0.125  # inches; a joint's name beside it is still read
NARROWEST = 3.0  # inches of a panel
LETTER = 0.05  # inches of a name
TOP = 0.75  # inches above the panels
DPI = 150
GREY = "0.35"


def draw_topology(
    topologies: Sequence[Topology],
    clip: np.ndarray,
    path: str | os.PathLike[str],
    *,
    layout: Layout,
    block: Optional[str] = None,
    channels: int = 3,
    unit: str = "",
    title: str = "",
) -> None:
    """Draws the topology of one block as a PNG, in the way of the paper (Chen et al. 2021, arXiv 2107.12213).

    Above are the shared topology, the mean of all channels' refined ones, and the skeleton with the strongest links
    between joints that no bone joins; below are the refined topologies of the channels that differ most. All have one
    scale: the sum over subsets of the absolute values, for each subset weighs features of its own.

    Args:
        topologies: of :func:`ctrgcn_plugin.models.topology.topologies`.
        clip: (C, T, V, M) that they are of, as :func:`ctrgcn_plugin.data.clips.read` gives it.
        path: the picture appears there when it is whole.
        layout: names the V joints and the bones between them.
        block: its name; if none is given, the one in which refinement changes the shared topology the most.
        channels: how many of the refined topologies to show; fewer if there are fewer.
        unit: of the clip's coordinates, see :class:`~ctrgcn_plugin.drawing.skeleton.Skeletons`.
        title: stands above.

    Raises:
        ConfigError: there is no such block.
        ClipError: the clip, or the topology, is not of this layout, or nobody is in the clip.
        EnvironmentSetupError: matplotlib is not installed.
    """
    chosen = _named(topologies, block)
    joints = chosen.shared.shape[-1]
    if joints != layout.num_joints:
        raise ClipError(
            f"cannot draw a topology of {joints} joints with layout {layout.name!r}, which has {layout.num_joints}"
        )
    figure = _figure(chosen, channels, Skeletons.of(clip, layout, unit=unit), title)
    with replacing(path) as file, fonts.quiet():
        figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})


def _named(topologies: Sequence[Topology], block: Optional[str]) -> Topology:
    by_name = {topology.block: topology for topology in topologies}
    if block is not None and block not in by_name:
        raise unknown("block with spatial modelling", block, by_name)
    return max(topologies, key=_refinement) if block is None else by_name[block]


def _refinement(topology: Topology) -> float:
    return float(np.abs(topology.refined - topology.shared[:, None]).mean())


def _figure(topology: Topology, channels: int, skeletons: Skeletons, title: str) -> Figure:
    matplotlib = require_library("matplotlib.figure", "plot", "drawing a topology")
    colors = require_library("matplotlib.colors", "plot", "drawing a topology")
    shared, refined = (np.abs(values).sum(0) for values in (topology.shared, topology.refined))  # (V, V), (C', V, V)
    mean = refined.mean(0)
    shown = [("shared topology", shared), (f"refined, mean of {len(refined)} channels", mean)]
    shown += [(f"refined, channel {channel}", refined[channel]) for channel in differing(refined, channels)]
    norm = colors.PowerNorm(GAMMA, 0, max(float(values.max()) for _, values in shown) or 1)
    names = [name.replace("_", " ") for name in skeletons.layout.joints]

    figure = matplotlib.Figure(facecolor="white")
    grid = _Grid(figure, joints=len(names), longest=max(map(len, names)), panels=1 + len(shown))
    _draw_body(grid.axes(COLUMNS - 1), skeletons, mean)
    places = [place for place in range(1 + len(shown)) if place != COLUMNS - 1]
    for place, (text, values) in zip(places, shown):
        axes = grid.axes(place)
        image = axes.imshow(values, cmap=COLOUR_MAP, norm=norm, interpolation="nearest")
        _describe(axes, text, names, left=place % COLUMNS == 0, below=place + COLUMNS > len(shown))
    bar = figure.colorbar(image, cax=grid.beside())
    bar.set_label("weight: sum of absolute values over subsets", fontsize=8, color=GREY)
    bar.ax.tick_params(labelsize=7, colors=GREY)
    bar.outline.set_visible(False)
    title = f"{title}\nblock {topology.block}".strip()
    style = {"fontsize": 11, "color": "0.1", "parse_math": False, "family": fonts.families(title)}
    figure.suptitle(title, y=1 - 0.12 / grid.size[1], **style)
    return figure


class _Grid:
    """Square panels in rows from the top, with room for the joints' names left of the first and below each.

    All in inches; matplotlib's own layout measures every name several times, which takes seconds.
    """

    def __init__(self, figure: Figure, *, joints: int, longest: int, panels: int) -> None:
        self._figure = figure
        self._side = max(CELL * joints, NARROWEST)
        self._names = LETTER * longest + 0.1
        self._left = self._names + 0.3
        rows = -(-panels // COLUMNS)
        self.size = (self._left + COLUMNS * (self._side + 0.25) + 0.9, TOP + rows * self._row)
        figure.set_size_inches(self.size)

    @property
    def _row(self) -> float:
        return self._side + self._names + 0.55

    def axes(self, place: int) -> Axes:
        """The panel at this place, from 0."""
        row, column = divmod(place, COLUMNS)
        above = TOP + row * self._row
        return self._add(self._left + column * (self._side + 0.25), above, self._side, self._side)

    def beside(self) -> Axes:
        """The axes of the colour scale."""
        return self._add(self.size[0] - 0.95, TOP + 0.15 * self.size[1], 0.12, 0.6 * self.size[1])

    def _add(self, left: float, above: float, width: float, height: float) -> Axes:
        across, up = self.size
        return self._figure.add_axes((left / across, 1 - (above + height) / up, width / across, height / up))


def differing(refined: np.ndarray, number: int) -> list[int]:
    """Channels of (C', V, V) far from each other: first the farthest from the mean, then from those chosen."""
    flat = refined.reshape(len(refined), -1)
    chosen: list[int] = []
    distance = np.linalg.norm(flat - flat.mean(0), axis=1)
    while len(chosen) < min(number, len(flat)):
        chosen.append(int(distance.argmax()))
        to_last = np.linalg.norm(flat - flat[chosen[-1]], axis=1)
        distance = to_last if len(chosen) == 1 else np.minimum(distance, to_last)
        distance[chosen] = -1
    return sorted(chosen)


def strongest_links(weights: np.ndarray, layout: Layout, number: int = LINKS) -> list[tuple[int, int]]:
    """(u, v) of the largest weights (V, V) between different joints that no bone joins, the largest first."""
    weights = weights.copy()
    joints, parents = np.arange(len(weights)), np.array(layout.parents)
    weights[joints, joints] = weights[joints, parents] = weights[parents, joints] = 0
    order = np.argsort(-weights, axis=None, kind="stable")[:number]
    links = zip(*np.unravel_index(order, weights.shape))
    return [(int(to), int(source)) for to, source in links if weights[to, source] > 0]


def _describe(axes: Axes, text: str, names: list[str], *, left: bool, below: bool) -> None:
    axes.set_title(text, fontsize=9, color="0.1", pad=4)
    ticks = range(len(names))
    axes.set_xticks(ticks, names, rotation=90, fontsize=6.5)
    axes.set_yticks(ticks, names if left else [], fontsize=6.5)
    axes.tick_params(length=1.5, width=0.5, color="0.6", labelcolor="0.25", pad=1.5)
    axes.set_xlabel("from joint" if below else "", fontsize=8, color=GREY)
    axes.set_ylabel("to joint" if left else "", fontsize=8, color=GREY)
    for spine in axes.spines.values():
        spine.set(color="0.8", linewidth=0.6)


def _draw_body(axes: Axes, skeletons: Skeletons, weights: np.ndarray) -> None:
    """The first person in the middle of the clip, and the strongest links as arrows from joint to joint."""
    person = skeletons.persons[0]
    frames = np.flatnonzero(skeletons.present[:, person])
    points = skeletons.seen()[frames[len(frames) // 2], person, :, :2]
    low, high = limits(points)
    middle, half = (low + high) / 2, (high - low).max() / 2  # the panel is square
    (left, below), (right, above) = middle - half, middle + half
    axes.set(xlim=(left, right), ylim=(below, above), aspect="equal")
    axes.set_axis_off()
    axes.set_title("strongest links that are no bones", fontsize=9, color="0.1", pad=4)
    for bone in skeletons.bones:
        axes.plot(*points[[bone.parent, bone.joint]].T, color="0.8", linewidth=4, solid_capstyle="round", zorder=1)
    axes.plot(*points.T, "o", color="0.5", markersize=3.5, zorder=2)
    links = strongest_links(weights, skeletons.layout)
    for to, source in reversed(links):
        if np.isfinite(points[[to, source]]).all():
            strength = float(weights[to, source] / weights[links[0]])
            style = {
                "arrowstyle": "-|>,head_length=0.4,head_width=0.18",
                "connectionstyle": "arc3,rad=0.2",
                "color": LINK_COLOUR,
                "alpha": 0.3 + 0.6 * strength,
                "linewidth": THIN + (THICK - THIN) * strength,
                "shrinkA": 2,
                "shrinkB": 2,
            }
            axes.annotate("", points[to], points[source], arrowprops=style, zorder=3)
