"""The time line against its plain form, frame by frame; its table; and a video watched."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any, Optional

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrgcn_plugin.deploy.predictor import Prediction
from ctrgcn_plugin.deploy.timeline import COLUMNS, Answer, Timeline, watch
from ctrgcn_plugin.deploy.windows import Window, cut
from ctrgcn_plugin.errors import ClipError

CLASSES = 3


def line_of(answers: Sequence[Answer], rate: float = 10.0, names: Sequence[str] = ()) -> Timeline:
    return Timeline("a.mp4", rate, names, answers)


def frame_scores(answers: Sequence[Answer], frame: int) -> Optional[np.ndarray]:
    """Mean of the windows that a frame is in."""
    over = [scores for (start, stop), scores in answers if scores is not None and start <= frame < stop]
    return np.mean(over, axis=0) if over else None


@st.composite
def answered(draw: st.DrawFn) -> list[Answer]:
    windows = cut(draw(st.integers(1, 60)), draw(st.integers(1, 20)), draw(st.integers(1, 30)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    missing = draw(st.sampled_from([0, 0.3, 1]))
    return [Answer(w, None if rng.random() < missing else rng.dirichlet(np.ones(CLASSES))) for w in windows]


@given(answered())
@settings(max_examples=100, deadline=None)
def test_segments_are_frames_put_together(answers: list[Answer]) -> None:
    timeline = line_of(answers)
    segments = timeline.segments()
    of_frame = {}
    for segment in segments:
        assert segment.start < segment.stop
        expected = [frame_scores(answers, frame) for frame in range(segment.start, segment.stop)]
        np.testing.assert_allclose(segment.scores, np.mean(expected, axis=0), atol=1e-9)
        of_frame.update(dict.fromkeys(range(segment.start, segment.stop), segment.action))
    # no frame too much, none too few, each with its own likeliest action
    plain = {frame: frame_scores(answers, frame) for frame in range(max(w.stop for w, _ in answers))}
    assert of_frame == {frame: int(scores.argmax()) for frame, scores in plain.items() if scores is not None}
    # neighbours differ
    for before, after in zip(segments, segments[1:]):
        assert before.stop < after.start or before.action != after.action


SCORES = np.eye(CLASSES) * 0.5 + 0.5 / 3
ANSWERS = [
    Answer(Window(0, 10), SCORES[1]),
    Answer(Window(10, 20), SCORES[1]),
    Answer(Window(20, 30), None),
    Answer(Window(30, 35), np.array([0.2, 0.3, 0.5])),
]


def test_the_table() -> None:
    header, *rows = csv.reader(io.StringIO(line_of(ANSWERS, names=["sit, down", "fall", "站起来"]).csv()))
    assert tuple(header) == COLUMNS
    assert rows == [
        ["0.0", "2.0", "0", "20", "1", "fall", "0.666667", "0", "sit, down", "0.166667"],
        ["3.0", "3.5", "30", "35", "2", "站起来", "0.5", "1", "fall", "0.3"],
    ]


def test_without_rate_and_names() -> None:
    row, _ = csv.DictReader(io.StringIO(line_of(ANSWERS, rate=0).csv()))
    assert (row["start_seconds"], row["start_frame"], row["action"]) == ("", "0", "class 1")


def test_of_one_class_there_is_no_second() -> None:
    (row,) = csv.DictReader(io.StringIO(line_of([Answer(Window(0, 5), np.ones(1))]).csv()))
    assert (row["probability"], row["second_class"], row["second_probability"]) == ("1.0", "", "")


class Steps:
    """A video whose person takes a step to the right in each frame, and is away in some frames."""

    source, frames, rate = "steps", 40, 20.0

    def __init__(self, away: range = range(0)) -> None:
        self.away = away

    def clip(self, start: int = 0, stop: Optional[int] = None) -> np.ndarray:
        if set(range(start, stop or self.frames)) <= set(self.away):
            raise ClipError(f"clip steps has nobody in frames {start} to {stop}")
        return np.arange(start, stop or self.frames, dtype="float32").reshape(1, -1, 1, 1)


class Halves:
    """Says of each clip whether it is of the video's first half or of its second."""

    card = SimpleNamespace(names=["first", "second"])
    batches: Any = None

    def stream(self, clips: Iterable[np.ndarray], batch_size: int = 1) -> Iterator[Prediction]:
        self.batches = batch_size
        for clip in clips:
            yield Prediction("", np.array([1.0, 0.0] if clip.mean() < 20 else [0.0, 1.0]))


def test_a_video_is_watched() -> None:
    predictor = Halves()
    timeline = watch(predictor, Steps(), iter(cut(40, 10, 5)), batch_size=3)
    # the window from 15 to 25 is still of the first half; where it and the next one disagree, the first class is kept
    assert [(s.start, s.stop, s.action) for s in timeline.segments()] == [(0, 25, 0), (25, 40, 1)]
    assert (timeline.rate, list(timeline.names), timeline.unanswered) == (20.0, ["first", "second"], "")
    assert predictor.batches == 3


def test_where_nobody_is_nothing_is_answered() -> None:
    timeline = watch(Halves(), Steps(away=range(10, 25)), cut(40, 5, 5), names=["a", "b"], rate=5.0)
    assert [(s.start, s.stop, s.action) for s in timeline.segments()] == [(0, 10, 0), (25, 40, 1)]
    assert [scores is None for _, scores in timeline.answers] == [False] * 2 + [True] * 3 + [False] * 3
    assert timeline.unanswered == "clip steps has nobody in frames 10 to 15"
    assert (timeline.rate, list(timeline.names)) == (5.0, ["a", "b"])


def test_nobody_at_all() -> None:
    with pytest.raises(ClipError, match="nobody in frames 0 to 5"):
        watch(Halves(), Steps(away=range(40)), cut(40, 5, 5))
    with pytest.raises(ClipError, match="clip steps has nobody in any of its frames"):
        watch(Halves(), Steps(), [])
