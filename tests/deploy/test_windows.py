"""Windows: every frame is in one, the last one reaches the end, and lengths are what a user meant."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrgcn_plugin.deploy.windows import Window, cut, frames_of
from ctrgcn_plugin.errors import ConfigError


@given(st.integers(1, 300), st.integers(1, 100), st.integers(1, 100))
@settings(max_examples=100, deadline=None)
def test_every_frame_is_in_a_window(frames: int, length: int, stride: int) -> None:
    windows = cut(frames, length, stride)
    assert {stop - start for start, stop in windows} == {min(length, frames)}
    assert windows[0].start == 0 and windows[-1].stop == frames
    steps = [after.start - before.start for before, after in zip(windows, windows[1:])]
    assert all(step == stride for step in steps[:-1]) and all(0 < step <= stride for step in steps)
    if stride <= length:
        assert {frame for start, stop in windows for frame in range(start, stop)} == set(range(frames))


@pytest.mark.parametrize(
    ("frames", "expected"), [(0, []), (3, [(0, 3)]), (4, [(0, 4)]), (5, [(0, 4), (1, 5)]), (6, [(0, 4), (2, 6)])]
)
def test_ends(frames: int, expected: list[Window]) -> None:
    assert cut(frames, 4, 2) == expected


@pytest.mark.parametrize(("length", "frames"), [("64", 64), ("2s", 50), ("2.5s", 62), ("0.001s", 1), ("1", 1)])
def test_lengths(length: str, frames: int) -> None:
    assert frames_of(length, 25) == frames


@pytest.mark.parametrize("length", ["", "s", "0", "0s", "-1", "1.5", "1 s", "1e3", "nan", "1.s", "٣", "9" * 400])
def test_what_is_no_length(length: str) -> None:
    with pytest.raises(ConfigError, match="is no length of time; give frames, like 64, or seconds, like 2.5s"):
        frames_of(length, 25)


def test_seconds_need_a_rate() -> None:
    assert frames_of("64", 0) == 64
    with pytest.raises(ConfigError, match="2s cannot be told in frames.*--fps"):
        frames_of("2s", 0)
