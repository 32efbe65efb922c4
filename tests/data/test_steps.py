"""Crop, resample, rotate: against plain loops, and clear about settings that cannot work.

Against upstream's own classes they are held in tests/upstream/test_loader.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrgcn_plugin.data.sample import between_frames, resample, valid_frames
from ctrgcn_plugin.data.steps import CropResample, Rotation, rotation_matrix
from ctrgcn_plugin.errors import ClipError, ConfigError

seeds = st.integers(0, 2**32 - 1)


@st.composite
def clips(draw) -> np.ndarray:
    """Clips with empty frames anywhere, persons who are absent, and padding at the end."""
    rng = np.random.default_rng(draw(seeds))
    frames, joints, persons = draw(st.integers(0, 90)), draw(st.integers(1, 6)), draw(st.integers(1, 3))
    shape = (draw(st.sampled_from([2, 3])), frames, joints, persons)
    clip = rng.normal(0, 1, shape).astype(np.float32)
    clip[:, rng.random(shape[1]) < draw(st.sampled_from([0, 0.3]))] = 0
    clip[..., rng.random(shape[3]) < 0.2] = 0
    return np.concatenate([clip, np.zeros((*shape[:1], draw(st.integers(1, 40)), *shape[2:]), np.float32)], axis=1)


def plain_valid(clip: np.ndarray) -> int:
    frames = [index for index in range(clip.shape[1]) if any(value != 0 for value in clip[:, index].ravel())]
    return frames[-1] + 1 if frames else 0


def plain_resample(clip: np.ndarray, window: int, moments: Sequence[float] = ()) -> np.ndarray:
    """Frame by frame in float64, each frame the middle of an interval of time, or a moment of it."""
    frames = clip.shape[1]
    result = np.zeros((clip.shape[0], window, *clip.shape[2:]))
    for index in range(window if frames else 0):
        place = index + (moments[index] if len(moments) else 0.5)
        moment = min(max(place * frames / window - 0.5, 0), frames - 1)
        early = int(moment)
        late, share = min(early + 1, frames - 1), moment - early
        result[:, index] = (1 - share) * clip[:, early] + share * clip[:, late]
    return result


@settings(max_examples=50, deadline=None)
@given(clips(), st.sampled_from([np.float32, np.float64, np.float16]), st.booleans())
def test_valid_frames(clip, dtype, by_columns):
    clip = np.asarray(clip.astype(dtype), order="F" if by_columns else "C")
    assert valid_frames(clip) == plain_valid(clip)
    assert valid_frames(-0.0 * clip) == 0


@pytest.mark.parametrize("shape", [(0, 5, 25, 2), (3, 0, 25, 2), (3, 5, 0, 2), (3, 5, 25, 0)])
def test_no_values_are_no_valid_frames(shape):
    assert valid_frames(np.ones(shape)) == 0


@settings(max_examples=50, deadline=None)
@given(clips(), st.integers(1, 130))
def test_resample(clip, window):
    before = clip.copy()
    result = resample(clip, window)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, plain_resample(clip, window), rtol=0, atol=3e-5)
    np.testing.assert_array_equal(clip, before)


def test_moments_after_the_last_frame_show_it():
    clip = np.arange(3, dtype=np.float32).reshape(1, 3, 1, 1)
    moments = np.array([0, 0.25, 1.5, 2, 7], np.float32)
    assert between_frames(clip, moments).ravel().tolist() == [0, 0.25, 1.5, 2, 2]


@settings(max_examples=50, deadline=None)
@given(clips(), seeds, st.integers(1, 80), st.floats(0.01, 1), st.floats(0.01, 1))
def test_a_random_crop_is_drawn_as_documented(clip, seed, window, one, other):
    low, high = sorted((one, other))
    before, valid = clip.copy(), plain_valid(clip)
    np.random.seed(seed)
    result = CropResample(window, [low, high]).apply(clip)
    after = np.random.random()
    np.random.seed(seed)
    start = length = 0
    if valid:
        length = min(max(int(valid * (np.random.rand() * (high - low) + low)), 64), valid)
        start = np.random.randint(0, valid - length + 1)
    np.testing.assert_allclose(result, plain_resample(clip[:, start : start + length], window), rtol=0, atol=3e-5)
    assert np.random.random() == after
    np.testing.assert_array_equal(clip, before)


@settings(max_examples=50, deadline=None)
@given(clips(), seeds, st.integers(1, 80), st.sampled_from([[1.0], [0.3, 1.0]]))
def test_jitter_draws_a_moment_of_each_interval(clip, seed, window, interval):
    valid = plain_valid(clip)
    np.random.seed(seed)
    result = CropResample(window, interval, jitter=True).apply(clip)
    after = np.random.random()
    np.random.seed(seed)
    start, length = 0, valid
    if valid and len(interval) == 2:
        length = min(max(int(valid * (np.random.rand() * 0.7 + 0.3)), 64), valid)
        start = np.random.randint(0, valid - length + 1)
    moments = np.random.rand(window) if valid else ()
    part = clip[:, start : start + length]
    np.testing.assert_allclose(result, plain_resample(part, window, moments), rtol=0, atol=1e-4)
    assert np.random.random() == after


@pytest.mark.parametrize("jitter", [1, "yes", None])
def test_impossible_jitter(jitter):
    with pytest.raises(ConfigError, match="jitter"):
        CropResample(64, jitter=jitter)


@pytest.mark.parametrize("interval", [0.5, [0.5], (0.5,)])
def test_one_part_is_the_middle_and_draws_nothing(interval):
    clip = np.arange(1, 9, dtype=np.float32).reshape(1, 8, 1, 1)
    np.random.seed(0)
    expected = np.random.get_state()[1:3]
    assert CropResample(4, interval).apply(clip).ravel().tolist() == [3, 4, 5, 6]
    state = np.random.get_state()[1:3]
    assert np.array_equal(state[0], expected[0]) and state[1] == expected[1]


@pytest.mark.parametrize(
    "interval", [0, 1.5, [], [0.5, 0.7, 1], [0.9, 0.5], [0, 1], "0.5", ["a"], True, None, [float("nan")]]
)
def test_impossible_parts(interval):
    with pytest.raises(ConfigError, match="p_interval"):
        CropResample(64, interval)


@pytest.mark.parametrize("window", [0, -1, 6.4, "64", None])
def test_impossible_windows(window):
    with pytest.raises(ConfigError, match="window_size"):
        CropResample(window)


@settings(max_examples=50, deadline=None)
@given(clips(), seeds, st.floats(0, 3) | st.lists(st.floats(0, 3), min_size=3, max_size=3))
def test_rotation(clip, seed, theta):
    before = clip.copy()
    np.random.seed(seed)
    result = Rotation(theta).apply(clip)
    np.random.seed(seed)
    limits = theta if isinstance(theta, list) else [theta] * 3
    angles = np.array([np.random.uniform(-limit, limit) for limit in limits])
    if clip.shape[0] == 2:
        angles[:2] = 0
    matrix = rotation_matrix(angles)[: clip.shape[0], : clip.shape[0]]
    plain = np.zeros(clip.shape)
    for frame, joint, person in np.ndindex(*clip.shape[1:]):
        plain[:, frame, joint, person] = matrix @ clip[:, frame, joint, person]
    np.testing.assert_allclose(result, plain, rtol=0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(result, axis=0), np.linalg.norm(clip, axis=0), atol=1e-5)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(clip, before)


def test_no_rotation_of_other_coordinates():
    with pytest.raises(ClipError, match="clip of 4 coordinates"):
        Rotation().apply(np.zeros((4, 5, 25, 2)))


@pytest.mark.parametrize("theta", [-0.1, "0.3", None, float("nan"), [0.3], [0.3, -1, 0], [0.1] * 4])
def test_impossible_angles(theta):
    with pytest.raises(ConfigError, match="theta"):
        Rotation(theta)
