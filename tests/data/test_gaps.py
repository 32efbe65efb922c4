"""Gaps in clips: filled as reckoned by hand and, whatever the clip, as by a loop over its values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ctrgcn_plugin.data import gaps

NAN = np.nan


def clip_of(*joints: list[float]) -> np.ndarray:
    """(1, T, V, 1): one coordinate of one person, a list over time for each joint."""
    return np.array(joints, np.float32).T[None, :, :, None]


def by_loop(clip: np.ndarray, longest: int) -> tuple[np.ndarray, int]:
    """What is said of fill, value by value."""
    coordinates, frames, joints, persons = clip.shape
    filled, count = np.zeros_like(clip), 0

    def present(t: int, m: int) -> bool:
        there = [at for at in range(frames) if not np.isnan(clip[:, at, :, m]).all()]
        before, after = [at for at in there if at <= t], [at for at in there if at >= t]
        return bool(before and after) and (before[-1] == t or after[0] - before[-1] - 1 <= longest)

    def over_time(c: int, t: int, v: int, m: int) -> float:
        there = [at for at in range(frames) if not np.isnan(clip[c, at, v, m])]
        before, after = [at for at in there if at <= t], [at for at in there if at >= t]
        if not there:
            return NAN
        start, end = (before or after)[-1 if before else 0], (after or before)[0 if after else -1]
        weight = (t - start) / (end - start) if end > start else 0
        return clip[c, start, v, m] * (1 - weight) + clip[c, end, v, m] * weight

    for c, t, v, m in np.ndindex(*clip.shape):
        if not np.isnan(clip[c, t, v, m]):
            filled[c, t, v, m] = clip[c, t, v, m]
        elif present(t, m):
            others = [over_time(c, t, joint, m) for joint in range(joints)]
            known = [value for value in others if not np.isnan(value)]
            mean = sum(known) / len(known) if known else 0
            filled[c, t, v, m] = mean if np.isnan(others[v]) else others[v]
            count += 1
    return filled, count


values = st.one_of(st.just(NAN), st.integers(-100, 100).map(float))
clips = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 3), st.integers(0, 7), st.integers(1, 3), st.integers(1, 2)),
    elements=values,
    fill=st.just(NAN),
)


@given(clips, st.integers(0, 4))
@settings(max_examples=100, deadline=None)
def test_as_the_loop(clip: np.ndarray, longest: int) -> None:
    filled, count = gaps.fill(clip, longest)
    slowly, counted = by_loop(clip, longest)
    assert filled.dtype == np.float32
    np.testing.assert_allclose(filled, slowly, rtol=1e-6, atol=1e-4)
    assert count == counted
    # what was seen is not touched
    np.testing.assert_array_equal(filled[~np.isnan(clip)], clip[~np.isnan(clip)])


@pytest.mark.parametrize(
    ("joints", "expected", "count"),
    [
        ([[1, 2, 3], [4, 5, 6]], [[1, 2, 3], [4, 5, 6]], 0),
        ([[1, NAN, NAN, 4], [0, 0, 0, 0]], [[1, 2, 3, 4], [0, 0, 0, 0]], 2),
        ([[NAN, 2, NAN], [0, 0, 0]], [[2, 2, 2], [0, 0, 0]], 2),
        # a joint that is never seen is in the middle of the others
        ([[NAN, NAN], [2, 6], [4, 8]], [[3, 7], [2, 6], [4, 8]], 2),
        # nobody before and after, a gap of the whole person between
        ([[NAN, 1, NAN, 3, NAN]], [[0, 1, 2, 3, 0]], 1),
        # too long a gap
        ([[1, NAN, NAN, NAN, 5]], [[1, 0, 0, 0, 5]], 0),
        # nobody at all
        ([[NAN, NAN]], [[0, 0]], 0),
    ],
)
def test_by_hand(joints: list[list[float]], expected: list[list[float]], count: int) -> None:
    clip = clip_of(*joints)
    before = clip.copy()
    filled, number = gaps.fill(clip, longest=2)
    np.testing.assert_array_equal(filled, clip_of(*expected))
    assert number == count
    np.testing.assert_array_equal(clip, before)


def test_persons_do_not_mix() -> None:
    clip = np.concatenate([clip_of([1, NAN, 3], [1, 2, 3]), clip_of([NAN] * 3, [50, 60, 70])], axis=3)
    filled, _ = gaps.fill(clip)
    np.testing.assert_array_equal(filled[0, :, 0], [[1, 50], [2, 60], [3, 70]])


def test_sums_of_large_values_are_finite() -> None:
    large = float(np.finfo(np.float32).max)
    filled, _ = gaps.fill(clip_of([large], [large], [NAN]))
    np.testing.assert_array_equal(filled, clip_of([large], [large], [large]))
