"""What is drawn of a clip: who, where, from which side."""

from __future__ import annotations

import numpy as np
import pytest

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.synthetic import make_clip
from ctrgcn_plugin.drawing import skeleton
from ctrgcn_plugin.drawing.skeleton import Skeletons
from ctrgcn_plugin.errors import ClipError
from ctrgcn_plugin.layouts import Layout

NTU, COCO = layouts.get("ntu_rgb_d"), layouts.get("coco")


def clip_of(layout: Layout, channels: int, frames: int = 3, persons: int = 2, seed: int = 0) -> np.ndarray:
    """(C, T, V, M), without a zero and with coordinates that are no confidence."""
    return np.random.default_rng(seed).uniform(1, 2, (channels, frames, layout.num_joints, persons))


def test_who_is_not_seen_is_not_drawn():
    """Against a loop over frames, persons and joints."""
    clip = clip_of(NTU, 3, frames=5)
    clip[:, 1, 4, 0] = np.nan  # a joint
    clip[1, 2, 5, 0] = np.nan  # one coordinate of a joint
    clip[:, 2, :, 1] = 0  # a person
    clip[:, 3, :, 1] = np.nan
    clip[:, 3, 0, 0] = 0  # where the origin of the clip is
    clip[:, 1, :, 1] = 0
    clip[:, 1, 7, 1] = np.nan  # a gap in somebody who is absent
    skeletons = Skeletons.of(clip, NTU)
    for frame, person, joint in np.ndindex(5, 2, 25):
        body = clip[:, frame, :, person]
        there = any(np.isfinite(point).all() and point.any() for point in body.T)
        drawn = there and bool(np.isfinite(body[:, joint]).all())
        assert np.isfinite(skeletons.points[frame, person, joint]).all() == drawn
    assert skeletons.present.tolist() == [[True, True], [True, False], [True, False], [True, False], [True, True]]
    assert skeletons.persons == [0, 1]


@pytest.mark.parametrize("nobody", [0, np.nan])
def test_frames_without_anybody_at_the_end_are_left_out(nobody):
    clip = clip_of(NTU, 3, frames=6)
    clip[:, [1, 4, 5]] = nobody
    assert Skeletons.of(clip, NTU).frames == 4


@pytest.mark.parametrize(
    "layout, channels, unit, signs",
    [
        ("ntu_rgb_d", 3, "metres", (-1, 1, -1)),
        ("kinect_v1", 3, "", (-1, 1, -1)),
        ("mediapipe_pose", 3, "as recorded", (1, 1, -1)),
        ("hand", 3, "as recorded", (1, 1, -1)),
        ("shrec", 3, "", (1, 1, -1)),
        ("coco", 2, "trunks", (1, 1)),
        ("coco", 2, "", (1, 1)),
        ("coco", 3, "", (-1, 1, -1)),
        ("coco", 2, "pixels", (1, -1)),
        ("coco", 2, "half images", (16 / 9, -1)),
        ("hand", 2, "half images", (16 / 9, -1)),
    ],
)
def test_axes(layout, channels, unit, signs):
    layout = layouts.get(layout)
    clip = clip_of(layout, channels, frames=1, persons=1)
    points = Skeletons.of(clip, layout, unit=unit).points
    expected = np.zeros((layout.num_joints, 3))
    expected[:, :channels] = clip[:, 0, :, 0].T * signs
    np.testing.assert_allclose(points[0, 0], expected)


@pytest.mark.parametrize(
    "layout, unit, third, dimensions",
    [
        ("coco", "", (0, 1), 2),
        ("coco", "", (-1, 1), 3),
        ("coco", "trunks", (-1, 1), 2),
        ("hand", "half images", (0, 1), 2),
        ("ntu_rgb_d", "", (0, 1), 3),
    ],
)
def test_a_confidence_is_no_depth(layout, unit, third, dimensions):
    layout = layouts.get(layout)
    clip = clip_of(layout, 3)
    clip[2] = np.random.default_rng(0).uniform(*third, clip[2].shape)
    clip[:, 0, 0, 0] = np.nan
    assert Skeletons.of(clip, layout, unit=unit).dimensions == dimensions


def test_limbs_follow_the_pairs_of_a_layout_then_the_names():
    own = Layout("own", ("hip", "a", "b", "left_ear", "index_tip"), (0, 0, 0, 0, 0), mirror=((1, 2),))
    limbs = {bone.joint: bone.limb for bone in Skeletons.of(clip_of(own, 2), own).bones}
    assert limbs == {1: "left", 2: "right", 3: "left", 4: "index"}


@pytest.mark.parametrize("name", layouts.available())
def test_every_layout_has_its_sides(name):
    skeletons = Skeletons.of(clip_of(layouts.get(name), 3), layouts.get(name))
    limbs = skeletons.limbs
    assert [entry[1:] for entry in skeletons.legend()] == [(person, limb) for limb in limbs for person in (0, 1)]
    names = {entry.name.partition(", ")[2] for entry in skeletons.legend()}
    if name in ("hand", "shrec"):
        assert set(skeleton.FINGERS) <= names <= {*skeleton.FINGERS, "palm"}
    else:
        assert {"left", "right"} <= names <= {"trunk", "left", "right"}


def test_turning_is_a_rotation_about_two_axes():
    points = np.random.default_rng(0).normal(size=(4, 3))
    for (x, y, z), turned in zip(points, skeleton.turned(points, 30, 20)):
        a, b = np.radians(30), np.radians(20)
        x, z = np.cos(a) * x + np.sin(a) * z, np.cos(a) * z - np.sin(a) * x
        y, z = np.cos(b) * y - np.sin(b) * z, np.sin(b) * y + np.cos(b) * z
        np.testing.assert_allclose(turned, (x, y, z))


def test_limits_hold_everybody_and_a_single_point():
    points = Skeletons.of(make_clip("walk toward each other", 3), NTU).seen()
    low, high = skeleton.limits(points)
    flat = points[np.isfinite(points[..., 0])][:, :2]
    assert (low < flat.min(axis=0)).all() and (high > flat.max(axis=0)).all()
    low, high = skeleton.limits(np.ones((1, 3)))
    assert (low < 1).all() and (high > 1).all()


def test_importance_goes_from_dark_to_bright():
    dark, middle, bright = skeleton.importance_colours(np.array([0, 0.5, 1]))

    def light(colour):
        return sum(int(colour[at : at + 2], 16) for at in (1, 3, 5))

    assert light(dark) < light(middle) < light(bright)


@pytest.mark.parametrize("value, kind", [(np.inf, float), (-np.inf, np.float32)])
def test_infinite_values_are_refused_by_frame(value, kind):
    clip = clip_of(COCO, 2).astype(kind)
    clip[1, 2, 3, 0] = value
    with pytest.raises(ClipError, match="frame 2"):
        Skeletons.of(clip, COCO)
