"""Decimal numbers read together are what ``float`` makes of each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ctrgcn_plugin.data.decimals import decimals


def read(texts: list[str]) -> np.ndarray:
    """`texts` behind one another, each behind a blank but the first."""
    ends = np.cumsum([len(text) + 1 for text in texts]) - 1
    starts = ends - [len(text) for text in texts]
    return decimals(np.frombuffer(" ".join(texts).encode(), np.uint8), starts, ends)


def bits(values: list[float] | np.ndarray) -> list[int]:
    return np.asarray(values, np.float64).view(np.uint64).tolist()


FORMS = ["{}", "{:.7g}", "{:.9g}", "{:.3f}", "{:.12f}", "{:.0f}.", "{:e}", "{:+.4f}", "{:020.8f}"]
numbers = st.builds(
    str.format, st.sampled_from(FORMS), st.floats(-10, 10) | st.floats(allow_nan=False) | st.integers(-(10**20), 10**20)
)


@settings(max_examples=100, deadline=None)
@given(st.lists(numbers | st.from_regex(r"\A-?[0-9]{0,17}\.?[0-9]{1,17}\Z"), min_size=1, max_size=8))
@example(["0", "-0", "-0.0", ".5", "-.5", "5.", "007", "1e5", "nan", "-inf"])
@example(["999999999999999", "9007199254740993", "0.1234567890123456", "99999999999999.9", "123456789012345678901"])
def test_equal_to_float_to_the_last_bit(texts):
    assert bits(read(texts)) == bits([float(text) for text in texts])


@settings(max_examples=100, deadline=None)
@given(st.text("0123456789.-+e_xn", min_size=1, max_size=8))
@example("1..2")
@example("1.2.")
@example("-")
@example(".")
@example("1-2")
@example("--1")
@example("1" * 15 + "-")
def test_what_float_refuses_is_refused(text):
    try:
        expected = float(text)
    except ValueError:
        with pytest.raises(ValueError):
            read(["1.5", text])
    else:
        assert bits(read(["1.5", text])) == bits([1.5, expected])


def test_no_numbers():
    assert decimals(np.zeros(3, np.uint8), np.zeros(0, int), np.zeros(0, int)).shape == (0,)
