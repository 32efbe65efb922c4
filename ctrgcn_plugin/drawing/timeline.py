"""The time line of a video as a picture: how likely each action is, and where it is the likeliest."""

from __future__ import annotations

from typing import IO

import numpy as np

from ctrgcn_plugin.data.class_names import label
from ctrgcn_plugin.deploy.timeline import Timeline
from ctrgcn_plugin.drawing import fonts
from ctrgcn_plugin.drawing.skeleton import COLOURS
from ctrgcn_plugin.environment import require_library

ROWS = 12  # at most; those that last longest
WIDTH, HEIGHT, MARGIN = 10.0, 0.5, 1.2  # inches: of all, of a row, of what is above and below the rows
FILL = 0.85  # of a row's height, for a probability of 1
PALE = 0.3
DPI = 150


def draw(timeline: Timeline, file: IO[bytes], title: str = "") -> None:
    """A row for each action that is the likeliest anywhere, as a PNG.

    Its height over time is its probability, in full colour where it is the likeliest.

    Raises:
        EnvironmentSetupError: matplotlib is not installed.
    """
    matplotlib = require_library("matplotlib.figure", "plot", "drawing a time line")
    pieces = timeline.pieces()
    winners = [piece.action for piece in pieces]
    lasting: dict[int, int] = {}
    for piece in pieces:
        lasting[piece.action] = lasting.get(piece.action, 0) + piece.stop - piece.start
    longest = sorted(lasting, key=lambda action: -lasting[action])[:ROWS]
    # as they first come, from above
    actions = [action for action in lasting if action in longest][::-1]
    unit = timeline.rate or 1.0
    # up, along and down again, so that one polygon has all pieces and the gaps between them
    times = np.array([(piece.start, piece.start, piece.stop, piece.stop) for piece in pieces]).ravel() / unit

    figure = matplotlib.Figure(figsize=(WIDTH, HEIGHT * len(actions) + MARGIN), facecolor="white", layout="constrained")
    axes = figure.subplots()
    for row, action in enumerate(actions):
        heights = np.array([piece.scores[action] for piece in pieces]) * FILL
        wins = np.array(winners) == action
        for chosen, alpha in ((~wins, PALE), (wins, 1.0)):
            outline = np.multiply.outer(heights * chosen, (0, 1, 1, 0)).ravel()
            axes.fill_between(times, row, row + outline, color=COLOURS[0], alpha=alpha, linewidth=0)
        axes.axhline(row, color="0.8", linewidth=0.8, zorder=0)
    axes.set_yticks(np.arange(len(actions)) + FILL / 2)
    named = [label(timeline.names, action) for action in actions]
    # a name may have a dollar sign, which is no formula
    axes.set_yticklabels(named, parse_math=False, family=fonts.families("".join(named)))
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.05, len(actions))
    axes.set_xlim(0, pieces[-1].stop / unit)
    axes.set_xlabel("seconds" if timeline.rate else "frames")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    title = title or timeline.source
    axes.set_title(title, loc="left", fontsize=11, parse_math=False, family=fonts.families(title))
    with fonts.quiet():
        # without the version of matplotlib in it, the same answers give the same file
        figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
