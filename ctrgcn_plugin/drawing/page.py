"""A clip as a player for a web page, and the page for it: one file, which asks nothing of the network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Optional

import numpy as np

from ctrgcn_plugin import html
from ctrgcn_plugin.drawing import skeleton
from ctrgcn_plugin.drawing.skeleton import IMPORTANCE_STEPS, PALE, Skeletons
from ctrgcn_plugin.drawing.timing import FPS, Timing, thinned
from ctrgcn_plugin.environment import require_library
from ctrgcn_plugin.files import replacing
from ctrgcn_plugin.layouts import Layout

if TYPE_CHECKING:
    from markupsafe import Markup

STEPS = 2000  # of the largest extent of a clip: about a pixel on a large screen
ASPECTS = (0.6, 1.8)  # width to height
SPEEDS = ((0.25, "¼ ×"), (0.5, "½ ×"), (1, "1 ×"), (2, "2 ×"), (4, "4 ×"))
LEGEND_SIZES = (2.5, 6.0)  # radius in pixels, of no importance and of the most
FEET = ("ankle", "foot")


def player(
    clip: np.ndarray,
    layout: Layout,
    *,
    title: str = "",
    importance: Optional[np.ndarray] = None,
    fps: float = FPS,
    frames: Optional[int] = None,
    unit: str = "",
    script: bool = True,
) -> Markup:
    """A ``<figure>`` that plays a clip in a browser, at once where it is seen and nobody asked for less motion.

    Args:
        clip: (C, T, V, M), see :meth:`Skeletons.of`.
        title: above it; any text.
        importance: (V,) from 0 to 1, to colour joints by.
        fps: frames of the clip in a second.
        frames: at most so many are in it, evenly spread over the same time; by default all.
        unit: of the coordinates, if it is known.
        script: bring the script and the style along. A page needs them once: of several players, only one has to.

    Returns:
        HTML, safe to be put into a template as it is.

    Raises:
        UserError: the clip cannot be drawn with this layout.
    """
    skeletons = Skeletons.of(clip, layout, unit=unit, importance=importance)
    markupsafe = require_library("markupsafe", "plot", "writing HTML")
    timing = thinned(skeletons.frames, fps, frames)
    points = skeletons.points.reshape(-1, 3)
    floor = _floor(points) if skeletons.spatial and _has_feet(layout) else np.zeros((0, 3))
    low, high = skeleton.limits(skeleton.turned(np.concatenate([points, floor]), *skeletons.view))
    width, height = high - low
    return markupsafe.Markup(
        html.render(
            "player.html",
            title=title,
            clip=_content(skeletons, timing, floor),
            aspect=round(float(np.clip(width / height, *ASPECTS)), 3),
            legend=_legend(skeletons),
            speeds=SPEEDS,
            script=script,
        )
    )


def write(players: Sequence[str], path: str | os.PathLike[str], title: str) -> None:
    """A page of some players, of which the first has the script."""
    text = html.render("clips.html", players=players, title=title)
    with replacing(path) as file:
        file.write(text.encode("utf-8"))


def _content(skeletons: Skeletons, timing: Timing, floor: np.ndarray) -> dict[str, Any]:
    """What the script is given. Coordinates are whole numbers, the largest extent is :data:`STEPS`."""
    low, high = np.nanmin(skeletons.points, axis=(0, 1, 2)), np.nanmax(skeletons.points, axis=(0, 1, 2))
    step = max(float((high - low).max()), 1e-12) / STEPS

    def whole(positions: np.ndarray) -> np.ndarray:
        return np.round((positions - (low + high) / 2) / step)

    points = whole(skeletons.points[timing.frames])
    content: dict[str, Any] = {
        "fps": round(timing.fps, 4),
        "spatial": skeletons.spatial,
        "view": skeletons.view,
        "margin": skeleton.MARGIN,
        "frames": [[_numbers(person) for person in people] for people in points[..., : skeletons.dimensions]],
        "floor": whole(floor).astype(int).tolist(),
        "bones": skeletons.bones,
        "head": skeletons.head,
        "colours": skeleton.COLOURS,
        "shades": {limb: skeleton.SHADES[limb] for limb in ("trunk", *skeletons.limbs)},
        "importance": None,
    }
    if skeletons.importance is not None:
        content["importance"] = skeletons.importance.round(3).tolist()
        content["jointColours"] = skeleton.importance_colours(skeletons.importance)
        content["pale"] = PALE
    return content


def _numbers(person: np.ndarray) -> Optional[list[Optional[int]]]:
    """(V, C) in a row, None for gaps; None for somebody who is not there."""
    if np.isnan(person).all():
        return None
    return [None if np.isnan(value) else int(value) for value in person.ravel()]


def _has_feet(layout: Layout) -> bool:
    return any(name.endswith(FEET) for name in layout.joints)


def _floor(points: np.ndarray) -> np.ndarray:
    """The corners (4, 3), in turn, of a square below all points (N, 3)."""
    low, high = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
    half = max(*(high - low)[[0, 2]], (high - low)[1] / 2) / 2
    x, _, z = (low + high) / 2
    return np.array([[x + a * half, low[1], z + b * half] for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))])


def _legend(skeletons: Skeletons) -> list[dict[str, Any]]:
    if skeletons.importance is not None:
        small, large = LEGEND_SIZES
        colours = skeleton.importance_colours(np.array(IMPORTANCE_STEPS))
        return [
            {"name": f"importance {step:g}", "colour": colour, "size": small + (large - small) * step}
            for step, colour in zip(IMPORTANCE_STEPS, colours)
        ]
    return [{"size": 0, **entry._asdict()} for entry in skeletons.legend()]
