"""The soak: its short form with a real predictor, and that each of its criteria can fail. See test_loader_failures."""

from __future__ import annotations

import importlib
import random
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from ctrgcn_plugin.deploy.predictor import Predictor

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="reads /proc")


@pytest.fixture(scope="module")
def soaking() -> Iterator[Callable[[str], ModuleType]]:
    """Import a module of the soak's parts, by its name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield lambda name: importlib.import_module(f"soaking.{name}")


# what is left over


def watched(rounds: ModuleType, keep: Callable[[], Any], number: int = 40, clips: int = 500) -> list[str]:
    """The problems of so many rounds of so many clips, each of which keeps something."""

    class Keeping(rounds.Part):
        def round(self) -> int:
            kept.append(keep())
            return clips

    kept: list[Any] = []
    watches: list[Any] = []
    try:
        rounds.go_on(Keeping("keeping", random.Random(0)), 0, number, watches.append)
        return list(watches[-1].problems())
    finally:
        for one in kept:
            for end in ("close", "set", "kill", "wait"):
                getattr(one, end, lambda: None)()


def thread() -> threading.Event:
    until = threading.Event()
    threading.Thread(target=until.wait).start()
    return until


@pytest.mark.parametrize(
    ("keep", "said"),
    [
        (lambda: None, None),
        (lambda: b"a clip of 7 kB" * 500 * 500, "memory grows by"),
        (tempfile.TemporaryFile, "descriptors: "),
        (thread, "threads: "),
        (lambda: subprocess.Popen(["sleep", "60"]), "children: "),
    ],
    ids=["nothing", "memory", "files", "threads", "processes"],
)
def test_what_is_left_over_is_found(soaking, keep, said):
    problems = watched(soaking("rounds"), keep)
    assert [problem.startswith(said) for problem in problems] == [True] if said else problems == []


# every clip once


@pytest.fixture(scope="module")
def model(soaking, tmp_path_factory) -> Any:
    return soaking("model").Model(tmp_path_factory.mktemp("soak") / "model", "ntu_rgb_d", 3, 2, "metres")


@pytest.fixture(scope="module")
def part(soaking, model, tmp_path_factory) -> Any:
    part = soaking("answering").Predict(tmp_path_factory.mktemp("clips"), model, 60, False, random.Random(0))
    # or a mix-up would not show
    assert np.ptp(list(part.right.values()), axis=0).max() > 0.01
    return part


def test_each_clip_is_answered_or_refused_once(part):
    part.problems.clear()
    assert part.round() == 60 and part.problems == []
    assert part.counts["good: answered"] > 30 and part.counts["bad: refused"] > 5
    assert sum(part.counts[f"either: {came}"] for came in ("answered", "refused")) > 0


def twice(answers: Iterator[Any]) -> Iterator[Any]:
    for answer in answers:
        yield answer
        yield answer


def other(answers: Iterator[Any]) -> Iterator[Any]:
    return (replace(answer, scores=answer.scores[::-1]) for answer in answers)


STREAM = Predictor.stream


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (lambda *given: twice(STREAM(*given)), "answered 2 times, refused 0 times"),
        (lambda *given: other(STREAM(*given)), "another answer than alone"),
        (lambda self, clips, size, _: STREAM(self, clips, size, lambda *__: None), "answered 0 times, refused 0 times"),
        (
            lambda self, clips, size, refused: STREAM(self, clips, size, lambda *bad: [refused(*bad), refused(*bad)]),
            "answered 0 times, refused 2 times",
        ),
    ],
    ids=["answered twice", "another's answer", "not refused", "refused twice"],
)
def test_a_miscount_is_found(part, monkeypatch, stream, said):
    part.problems.clear()
    monkeypatch.setattr(Predictor, "stream", stream)
    part.round()
    assert part.problems and all(said in problem for problem in part.problems)
