"""A test in numbers: against SciPy's interval, loops over clips, and cases that hypothesis makes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from ctrgcn_plugin.data.scores import Scores, softmax
from ctrgcn_plugin.report.calibration import calibrate
from ctrgcn_plugin.report.results import Confusion, Results, wilson, worst_clips


@st.composite
def answers(draw):
    """Scores (N, K) with ties and of any size, and labels (N,)."""
    clips, classes = draw(st.integers(1, 40)), draw(st.integers(2, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.sampled_from([0.1, 3.0, 800.0]))
    values = rng.normal(0, size, (clips, classes)).round(draw(st.integers(0, 3))).astype(np.float32)
    return values, rng.integers(0, draw(st.integers(1, classes)), clips)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 5000), st.floats(0, 1), st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_the_interval_is_scipys(total, part, level):
    right = round(part * total)
    expected = stats.binomtest(right, total).proportion_ci(level, method="wilson")
    assert wilson(right, total, level) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_interval_of_a_known_case():
    # 81 of 263, 95 %: Newcombe 1998, Statistics in Medicine 17, table I
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)


@settings(max_examples=100, deadline=None)
@given(answers())
def test_counts_by_loops(case):
    values, labels = case
    results = Results.of(values, labels)
    taken = values.argmax(axis=1)
    classes = values.shape[1]
    accuracy = Scores(values, labels).accuracy()
    assert results.top1.value == pytest.approx(accuracy.top1) and results.top1.total == len(labels)
    assert results.mean_class == pytest.approx(accuracy.mean_class)
    if classes > 5:
        assert results.top5.value == pytest.approx(accuracy.top5)
    else:
        assert results.top5 is None
    for one in results.classes:
        own, called = labels == one.index, taken == one.index
        assert (one.clips, one.predicted, one.right) == (own.sum(), called.sum(), (own & called).sum())
        assert one.recall == (pytest.approx(called[own].mean()) if own.any() else None)
        assert one.precision == (pytest.approx(own[called].mean()) if called.any() else None)
        if one.recall and one.precision:
            assert one.f1 == pytest.approx(2 / (1 / one.recall + 1 / one.precision))
        else:
            assert one.f1 == (0 if own.any() or called.any() else None)
        mistakes = [int(((taken == other) & own).sum()) if other != one.index else 0 for other in range(classes)]
        assert one.confused == max(mistakes)
        assert one.confused_with == (mistakes.index(max(mistakes)) if max(mistakes) else None)
    pairs = results.confusions()
    assert sum(pair.clips for pair in pairs) == len(labels) - results.top1.right
    for pair in pairs:
        assert pair.true != pair.predicted
        assert pair.clips == ((labels == pair.true) & (taken == pair.predicted)).sum() > 0
        assert pair.total == (labels == pair.true).sum()
    assert [pair.clips for pair in pairs] == sorted((pair.clips for pair in pairs), reverse=True)
    assert results.confusions(2) == pairs[:2]


def test_the_worst_clips_are_the_surest_of_their_pair():
    values = np.log([[0.3, 0.6, 0.1], [0.1, 0.8, 0.1], [0.2, 0.1, 0.7], [0.5, 0.4, 0.1], [0.05, 0.9, 0.05]])
    labels = np.array([0, 0, 0, 0, 1])
    assert worst_clips(softmax(values), labels, Confusion(0, 1, 2, 4), 5) == [1, 0]
    assert worst_clips(softmax(values), labels, Confusion(0, 1, 2, 4), 1) == [1]
    assert worst_clips(softmax(values), labels, Confusion(0, 2, 1, 4), 5) == [2]


@settings(max_examples=100, deadline=None)
@given(answers(), st.sampled_from([1, 2, 10, 15]))
def test_calibration_by_loops(case, bins):
    values, labels = case
    found = calibrate(values, labels, bins)
    logs = special.log_softmax(values.astype(np.float64), axis=1)
    assert found.nll == pytest.approx(-np.mean([row[label] for row, label in zip(logs, labels)]), abs=1e-9)
    brier, members = 0.0, [[] for _ in range(bins)]
    for row, label in zip(np.exp(logs), labels):
        brier += sum((probability - (k == label)) ** 2 for k, probability in enumerate(row))
        confidence = max(row)
        # the first bin whose upper edge is not below it
        place = next((b for b in range(bins) if confidence <= (b + 1) / bins + 1e-15), bins - 1)
        members[place].append((confidence, int(row.argmax() == label)))
    assert found.brier == pytest.approx(brier / len(labels), abs=1e-9)
    gaps = [abs(sum(c for c, _ in own) - sum(r for _, r in own)) for own in members]
    assert found.ece == pytest.approx(sum(gaps) / len(labels), abs=1e-9)
    assert found.confidence == pytest.approx(np.mean(np.exp(logs).max(axis=1)))
    assert [each.clips for each in found.bins] == list(map(len, members))
    for each, own in zip(found.bins, members):
        if own:
            assert (each.confidence, each.accuracy) == pytest.approx(tuple(np.mean(own, axis=0)))
            assert each.low - 1e-12 <= each.confidence <= each.high + 1e-12
        else:
            assert each.confidence is None and each.accuracy is None


def test_calibration_of_known_cases():
    sure = np.array([[1000.0, 0.0], [1000.0, 0.0]])
    right = calibrate(sure, np.array([0, 0]))
    assert (right.ece, right.nll, right.brier) == (0, 0, 0)
    # of a probability that has become zero, the likelihood is still a number
    half = calibrate(sure, np.array([0, 1]))
    assert (half.ece, half.nll, half.brier) == (0.5, 500, 1)
    undecided = calibrate(np.zeros((4, 4)), np.array([0, 1, 2, 3]))
    assert undecided.ece == pytest.approx(0) and undecided.nll == pytest.approx(np.log(4))
    assert undecided.brier == pytest.approx(0.75)
