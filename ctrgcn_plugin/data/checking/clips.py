"""The checks of each clip by itself: one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ctrgcn_plugin.data import gaps
from ctrgcn_plugin.data.checking.facts import Facts
from ctrgcn_plugin.data.checking.findings import FIX, NOTE, PROBLEM, WARNING, Finding
from ctrgcn_plugin.data.checking.splits import Split

REPEATED = 5  # frames
SCALE = 4  # times the median
JUMP = 2  # trunk lengths


@dataclass(frozen=True)
class ClipCheck:
    """What is looked for in each clip.

    Attributes:
        name: for the finding.
        score: (facts, median trunk) -> (N,), how bad each clip is; 0 is good.
        detail: the score in words.
        what: is said of the clips that have a score.
    """

    name: str
    severity: str
    score: Callable[[Facts, float], np.ndarray]
    detail: str
    what: str
    advice: str

    def __call__(self, split: Split) -> Iterator[Finding]:
        """A finding with all clips that have a score, the worst first."""
        score = self.score(split.facts, split.facts.typical_trunk).astype(float)
        rows = np.argsort(-score, kind="stable")[: np.count_nonzero(score)].tolist()
        if rows:
            what = f"{len(rows)} of {len(split)} clips {self.what}"
            clips = [split.clip(row, self.detail.format(score[row])) for row in rows]
            yield Finding(self.severity, self.name, what, self.advice, clips)


def _repeated(facts: Facts, _: float) -> np.ndarray:
    return np.where(facts.repeated >= REPEATED, facts.repeated, 0)


def _scale(facts: Facts, trunk: float) -> np.ndarray:
    times = facts.trunk / (trunk or np.nan)
    # how many times larger or smaller, and 0 for the clips without a trunk
    times = np.nan_to_num(np.maximum(times, 1 / times), nan=0)
    return np.where(times > SCALE, times, 0)


def _jump(facts: Facts, trunk: float) -> np.ndarray:
    lengths = facts.step.max(axis=1) / (trunk or np.inf)
    return np.where(lengths > JUMP, lengths, 0)


CHECKS = (
    ClipCheck(
        "values",
        PROBLEM,
        lambda facts, _: facts.nan + facts.infinite,
        "{:.0f} values",
        "have values that are NaN or infinite",
        f"{FIX} fills them, and leaves out clips that are mostly so",
    ),
    ClipCheck(
        "empty",
        PROBLEM,
        lambda facts, _: facts.frames == 0,
        "",
        "are all zero",
        f"{FIX} leaves them out",
    ),
    ClipCheck(
        "one-frame",
        WARNING,
        lambda facts, _: facts.frames == 1,
        "",
        "have a single frame, and so no motion",
        f"{FIX} leaves them out",
    ),
    ClipCheck(
        "gaps",
        WARNING,
        lambda facts, _: facts.gaps,
        "{:.0f} frames",
        "have frames with nobody in them before their last",
        f"{FIX} fills those of up to {gaps.LONGEST} frames",
    ),
    ClipCheck(
        "first-person",
        WARNING,
        lambda facts, _: facts.headless,
        "{:.0f} frames",
        "have frames with another person and without the first",
        f"put who is alone first; {FIX} fills absences of up to {gaps.LONGEST} frames",
    ),
    ClipCheck(
        "padding",
        WARNING,
        _repeated,
        "{:.0f} frames",
        "end in equal frames, so their padding is not zeros",
        "pad with zeros: all else is taken for part of the clip",
    ),
    ClipCheck(
        "scale",
        WARNING,
        _scale,
        "{:.3g} times",
        f"are more than {SCALE} times larger or smaller than the median clip",
        "look for other units, or for something that is no person",
    ),
    ClipCheck(
        "jumps",
        NOTE,
        _jump,
        "{:.3g} trunks",
        f"have a joint that moves more than {JUMP} trunk lengths from one frame to the next",
        "tracking is lost there: look at the worst",
    ),
)
