"""A report as one HTML file that needs nothing else: no other file, no network, no library in the browser."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple, Optional

from ctrgcn_plugin import __version__, html
from ctrgcn_plugin.drawing import page
from ctrgcn_plugin.errors import ClipError
from ctrgcn_plugin.report import figures
from ctrgcn_plugin.report.document import Report, Worst
from ctrgcn_plugin.report.model_card import latency, machine
from ctrgcn_plugin.report.results import LEVEL, Confusion
from ctrgcn_plugin.report.tested import Tested

# of a clip that is shown: more would only make the file large
FRAMES = 60
LITERATURE = (
    "Wilson: Probable inference, the law of succession, and statistical inference. JASA 22, 1927.",
    "Brown, Cai, DasGupta: Interval estimation for a binomial proportion. Statistical Science 16, 2001.",
    "Naeini, Cooper, Hauskrecht: Obtaining well calibrated probabilities using Bayesian binning. AAAI 2015.",
    "Guo, Pleiss, Sun, Weinberger: On calibration of modern neural networks. ICML 2017.",
    "Brier: Verification of forecasts expressed in terms of probability. Monthly Weather Review 78, 1950.",
)


def as_html(report: Report) -> str:
    """The page.

    Raises:
        EnvironmentSetupError: jinja2 is not installed.
    """
    return html.render(
        "report.html",
        report=report,
        names=report.names,
        version=__version__,
        level=f"{LEVEL:.0%}",
        matrix=figures.matrix(report.results.taken, report.names),
        worst=list(_worst(report)),
        reliability=figures.reliability(report.calibration),
        charts=figures.curves(report.material.curves) if report.material.curves else [],
        size={"left": figures.LEFT, "right": figures.RIGHT, "width": figures.WIDTH, "height": figures.HEIGHT},
        guessing=math.log(len(report.names)),
        latency=latency(report.material.benchmark),
        machine=machine(report.material.benchmark),
        literature=LITERATURE,
    )


class Shown(NamedTuple):
    """A clip with the HTML fragment that plays it; empty where that cannot be, of which `why` may tell."""

    clip: Worst
    player: str = ""
    why: str = ""


def _worst(report: Report) -> Iterator[tuple[Confusion, list[Shown]]]:
    """Confusions and their clips. The first player brings along what all of them need."""
    begun = False
    for pair, clips in report.worst.items():
        shown = []
        for clip in clips:
            shown.append(_shown(report.material.tested, clip, script=not begun))
            begun = begun or bool(shown[-1].player)
        yield pair, shown


def _shown(tested: Optional[Tested], clip: Worst, script: bool) -> Shown:
    if tested is None or tested.layout is None:
        return Shown(clip)  # the report says what would give it
    unit = tested.card.unit if tested.card else ""
    try:
        drawn = page.player(tested.clip(clip.row), tested.layout, frames=FRAMES, unit=unit, script=script)
    except ClipError as error:
        return Shown(clip, why=str(error))
    return Shown(clip, drawn)
