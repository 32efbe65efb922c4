"""What happens when in a long video: windows are answered, their answers averaged over time and put together."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Optional

import numpy as np

from ctrgcn_plugin.data.class_names import label
from ctrgcn_plugin.data.footage import Footage
from ctrgcn_plugin.deploy.predictor import Predictor
from ctrgcn_plugin.deploy.windows import Window
from ctrgcn_plugin.errors import ClipError

COLUMNS = (
    "start_seconds",
    "end_seconds",
    "start_frame",
    "end_frame",
    "class",
    "action",
    "probability",
    "second_class",
    "second_action",
    "second_probability",
)
DIGITS = 6


class Answer(NamedTuple):
    """The probabilities (K,) of a window; None where nobody is in it whose clip could be made."""

    window: Window
    scores: Optional[np.ndarray]


class Segment(NamedTuple):
    """Frames from `start` to before `stop` with one action.

    Attributes:
        scores: (K,) mean probabilities over the frames.
    """

    start: int
    stop: int
    scores: np.ndarray

    @property
    def action(self) -> int:
        return int(self.scores.argmax())


@dataclass(frozen=True)
class Timeline:
    """The actions in a video.

    Attributes:
        source: of the video.
        rate: frames a second; 0 where that is not known.
        names: of the classes, where they are known.
        answers: of the windows.
        unanswered: why a window has no answer, for the first without one.
    """

    source: str
    rate: float
    names: Sequence[str]
    answers: Sequence[Answer]
    unanswered: str = ""

    def pieces(self) -> list[Segment]:
        """The video cut at every end of a window, each piece with the mean of the windows that it lies in.

        Pieces that no answered window has are left out.
        """
        answered = [(window, scores) for window, scores in self.answers if scores is not None]
        cuts = np.unique([end for window, _ in answered for end in window]).astype(np.int64)
        # what begins and ends at each cut: scores, and how many windows
        change = np.zeros((len(cuts), len(answered[0][1]) + 1 if answered else 1))
        for window, scores in answered:
            start, stop = np.searchsorted(cuts, window)
            change[start] += [*scores, 1]
            change[stop] -= [*scores, 1]
        total = change.cumsum(axis=0)
        return [
            Segment(int(cuts[place]), int(cuts[place + 1]), total[place, :-1] / total[place, -1])
            for place in np.flatnonzero(total[:-1, -1] > 0.5)
        ]

    def segments(self) -> list[Segment]:
        """Neighbouring pieces with the same likeliest action as one."""
        merged: list[list[Segment]] = []
        for piece in self.pieces():
            last = merged[-1][-1] if merged else None
            if last and (last.stop, last.action) == (piece.start, piece.action):
                merged[-1].append(piece)
            else:
                merged.append([piece])
        return [_together(pieces) for pieces in merged]

    def csv(self) -> str:
        """The segments, a row for each, with :data:`COLUMNS`; seconds are empty where the rate is not known."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for segment in self.segments():
            ends = [segment.start, segment.stop]
            row: list[object] = [round(frame / self.rate, 3) if self.rate else "" for frame in ends]
            row += ends
            best = np.argsort(-segment.scores, kind="stable")[:2].tolist()
            for index in best:
                row += [index, label(self.names, index), round(float(segment.scores[index]), DIGITS)]
            writer.writerow(row + [""] * (len(COLUMNS) - len(row)))
        return text.getvalue()


def _together(pieces: Sequence[Segment]) -> Segment:
    lengths = [piece.stop - piece.start for piece in pieces]
    return Segment(pieces[0].start, pieces[-1].stop, np.average([piece.scores for piece in pieces], 0, lengths))


def watch(
    predictor: Predictor,
    footage: Footage,
    windows: Iterable[Window],
    *,
    names: Sequence[str] = (),
    rate: float = 0.0,
    batch_size: int = 1,
) -> Timeline:
    """The time line of a video.

    Args:
        names: of the classes; by default the model's own.
        rate: frames a second, by default the video's own.
        batch_size: windows to run at once.

    Raises:
        ClipError: no window can be answered; the first one's reason.
    """
    answered: dict[Window, bool] = {}
    reasons: list[str] = []

    def clips() -> Iterator[np.ndarray]:
        for window in windows:
            try:
                clip = footage.clip(*window)
            except ClipError as error:
                answered[window] = False
                reasons.append(str(error))
            else:
                answered[window] = True
                yield clip

    scores = [prediction.scores for prediction in predictor.stream(clips(), batch_size)]
    if not scores:
        raise ClipError(reasons[0] if reasons else f"clip {footage.source} has nobody in any of its frames")
    in_turn = iter(scores)
    return Timeline(
        footage.source,
        rate or footage.rate,
        names or predictor.card.names,
        [Answer(window, next(in_turn) if there else None) for window, there in answered.items()],
        reasons[0] if reasons else "",
    )
