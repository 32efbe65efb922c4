"""Each augmentation against plain loops over the same draws, and what none of them may do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.augment import PACES, Augmentation
from ctrgcn_plugin.data.sample import valid_frames
from ctrgcn_plugin.errors import ClipError, ConfigError

SETTINGS = ("shear", "flip", "drop_joints", "drop_frames", "speed", "scale")
NTU = layouts.get("ntu_rgb_d")


def clip_of(seed: int, frames: int = 30, valid: int = 20, coordinates: int = 3, persons: int = 2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    clip = np.zeros((coordinates, frames, 25, persons), np.float32)
    clip[:, :valid] = rng.normal(1, 1, (coordinates, valid, 25, persons))
    return clip


def applied(clip: np.ndarray, seed: int = 0, **chosen: float) -> np.ndarray:
    np.random.seed(seed)
    return Augmentation(**chosen).apply(clip)  # type: ignore[arg-type]


@settings(max_examples=50, deadline=None)
@given(
    st.fixed_dictionaries({name: st.sampled_from([0, 0.3, 0.9]) for name in SETTINGS}),
    st.integers(0, 1000),
    st.sampled_from([2, 3]),
    st.integers(1, 3),
    st.integers(0, 30),
)
def test_what_always_holds(chosen, seed, coordinates, persons, valid):
    """The shape stays, the input too, whoever is absent stays absent, and a seed gives one clip."""
    clip = clip_of(seed, valid=valid, coordinates=coordinates, persons=persons)
    clip[..., -1] = 0
    before = clip.copy()
    result = applied(clip, seed, **chosen)
    np.testing.assert_array_equal(clip, before)
    assert result.shape == clip.shape and result.dtype == np.float32 and np.isfinite(result).all()
    assert not result[..., -1].any() and valid_frames(result) <= valid
    np.testing.assert_array_equal(result, applied(clip, seed, **chosen))
    assert not np.shares_memory(result, clip)


def test_off_is_the_clip_and_draws_nothing():
    clip = clip_of(0)
    np.random.seed(0)
    expected = np.random.random()
    np.testing.assert_array_equal(applied(clip), clip)
    assert np.random.random() == expected


@pytest.mark.parametrize("coordinates", [2, 3])
def test_shear(coordinates):
    clip = clip_of(1, coordinates=coordinates)
    result = applied(clip, shear=0.5)
    np.random.seed(0)
    parts = np.random.uniform(-0.5, 0.5, (coordinates, coordinates))
    plain = clip.astype(float)
    for i in range(coordinates):
        for j in range(coordinates):
            if i != j:
                plain[i] += parts[i, j] * clip[j]
    np.testing.assert_allclose(result, plain, atol=1e-5)


def test_flip_swaps_sides_and_mirrors_x():
    clip = clip_of(2)
    result = applied(clip, flip=1)
    left, right = NTU.joints.index("left_hand"), NTU.joints.index("right_hand")
    np.testing.assert_array_equal(result[0, :, left], -clip[0, :, right])
    np.testing.assert_array_equal(result[1:, :, right], clip[1:, :, left])
    np.testing.assert_array_equal(applied(result, flip=1), clip)


def test_flip_is_a_probability():
    clip = clip_of(2)
    np.random.seed(0)
    flip = Augmentation(flip=0.25)
    flipped = [not np.array_equal(flip.apply(clip), clip) for _ in range(400)]
    # four standard deviations
    assert abs(np.mean(flipped) - 0.25) < 0.09


def test_scale():
    clip = clip_of(3)
    np.random.seed(0)
    factors = []
    for _ in range(200):
        result = Augmentation(scale=0.25).apply(clip)
        factors.append(float(result.sum() / clip.sum()))
        np.testing.assert_allclose(result, clip * np.float32(factors[-1]), rtol=1e-4)
    assert 0.8 <= min(factors) < 0.85 and 1.2 < max(factors) <= 1.25
    assert abs(np.mean(np.log(factors))) < 0.04


def test_a_confidence_is_no_coordinate():
    """Of a layout of two dimensions the third channel stays, and goes with its joint in the mirror image."""
    coco = layouts.get("coco")
    clip = np.random.default_rng(4).normal(0, 1, (3, 9, 17, 1)).astype(np.float32)
    result = applied(clip, shear=0.5, scale=0.5, flip=1, graph="coco")  # type: ignore[arg-type]
    np.testing.assert_array_equal(result[2], clip[2][:, coco.mirrored()])
    assert not np.isclose(result[:2], clip[:2]).any(axis=(1, 2, 3)).all()


def test_lost_joints_are_zero_in_the_whole_clip():
    clip = clip_of(5)
    result = applied(clip, drop_joints=0.3)
    np.random.seed(0)
    lost = np.random.random((25, 2)) < 0.3
    assert 0 < lost.sum() < lost.size
    for joint, person in np.ndindex(lost.shape):
        kept = 0 if lost[joint, person] else clip[:, :, joint, person]
        np.testing.assert_array_equal(result[:, :, joint, person], kept)


@pytest.mark.parametrize(("part", "kept"), [(0.25, 15), (0.01, 20), (0.99, 1)])
def test_lost_frames_are_closed_up(part, kept):
    clip = clip_of(6)
    clip[:, 4:7] = 0
    result = applied(clip, drop_frames=part)
    assert not result[:, kept:].any()
    # the frames that are left are frames of the clip, in their order
    order = []
    for index in range(kept):
        same = [t for t in range(20) if np.array_equal(clip[:, t], result[:, index])]
        order.append(next(t for t in same if not order or t > order[-1]))
    assert len(order) == kept


def test_pace():
    """A clip whose every value is its frame's number shows which moment stands in each frame."""
    clip = np.zeros((3, 130, 25, 1), np.float32)
    clip[:, :100] = np.arange(1, 101).reshape(1, -1, 1, 1)
    speeds = []
    for seed in range(20):
        result = applied(clip, seed, speed=0.5)
        assert (result == result[:1, :, :1, :1]).all() and not result[:, 100:].any()
        moments = result[0, :100, 0, 0]
        assert moments[0] == 1 and moments[-1] == pytest.approx(100, abs=1e-3)
        steps = np.diff(moments)
        assert (steps > 0).all()
        # one pace in each part, but where two parts meet
        assert len(set(steps.round(3))) <= 2 * PACES - 1
        speeds.append(steps.max() / steps.min())
    assert 1 < max(speeds) <= 1.5**2 + 1e-3


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("value", [-0.1, 1.1, "0.5", None, True, float("nan"), [0, 1]])
def test_settings_out_of_range(name, value):
    with pytest.raises(ConfigError, match=f"{name} must be a number from 0, which is off, to ") as caught:
        Augmentation(**{name: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["drop_joints", "drop_frames"])
def test_not_everything_is_lost(name):
    with pytest.raises(ConfigError, match="below 1"):
        Augmentation(**{name: 1})


def test_a_layout_without_sides_has_no_mirror_image(tmp_path):
    path = tmp_path / "stick.yaml"
    path.write_text("joints: {hip: null, chest: hip, head: chest}\n")
    with pytest.raises(ConfigError, match="names no left and right joints"):
        Augmentation(flip=0.5, graph=str(path))
    clip = np.ones((3, 4, 3, 1), np.float32)
    assert applied(clip, shear=0.5, graph=str(path)).shape == clip.shape  # type: ignore[arg-type]


def test_the_graph_is_that_of_the_data():
    with pytest.raises(ConfigError, match="unknown graph 'ntu'"):
        Augmentation(graph="ntu")
    with pytest.raises(ClipError, match="clip of 17 joints is no 'ntu_rgb_d', which has 25"):
        Augmentation(shear=0.1).apply(np.zeros((3, 4, 17, 1)))
