"""Which frames are shown, and for how long."""

from __future__ import annotations

import pytest

from ctrgcn_plugin.drawing.timing import FASTEST, TICKS, in_ticks, spread, thinned
from ctrgcn_plugin.errors import UserError


@pytest.mark.parametrize("length, frames, shown", [(10, 3, [0, 4, 9]), (3, 8, [0, 1, 2]), (1, 5, [0]), (7, 1, [0])])
def test_spread(length, frames, shown):
    assert spread(length, frames).tolist() == shown


@pytest.mark.parametrize("length", [1, 2, 37, 300])
@pytest.mark.parametrize("fps", [5, 12.5, 30, 60, 240])
@pytest.mark.parametrize("frames", [None, 1, 20])
def test_fewer_frames_take_the_same_time(length, fps, frames):
    timing = thinned(length, fps, frames)
    assert len(timing.frames) == min(length, frames or length)
    assert len(timing.frames) / timing.fps == pytest.approx(length / fps)


@pytest.mark.parametrize("length", [1, 2, 37, 300, 5000])
@pytest.mark.parametrize("fps", [5, 12.5, 30, 60, 240])
def test_ticks_of_a_gif(length, fps):
    timing = in_ticks(length, fps, 100)
    ticks = TICKS / timing.fps
    assert ticks == pytest.approx(round(ticks)) and round(ticks) >= FASTEST
    assert 1 <= len(timing.frames) <= 100
    assert timing.frames[0] == 0 and (len(timing.frames) == 1 or timing.frames[-1] == length - 1)
    # as near as whole frames can be
    assert abs(len(timing.frames) / timing.fps - length / fps) <= max(0.5 / timing.fps, FASTEST / TICKS) + 1e-9


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf"), 2000])
def test_speeds_that_cannot_be_played(fps):
    with pytest.raises(UserError, match="frames a second"):
        thinned(10, fps)
