"""What is computed from a layout, each against its plain form in loops, and the facts of those that ship."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrgcn_plugin import layouts
from ctrgcn_plugin.errors import ClipError, ConfigError
from ctrgcn_plugin.layouts import Layout

every_layout = pytest.mark.parametrize("name", layouts.available())
LINE = Layout("line", ("a", "b", "c", "d"), (1, 1, 1, 2), centre=(1, 2), mirror=((0, 3),), trunk=((0, 1), (1, 2)))

# bones as published, from 1 (the first two) and from 0: ST-GCN and CTR-GCN's graphs of NTU RGB+D and NW-UCLA,
# pyskl's `coco`, `openpose` and `handmp`, OpenPose's pairs of BODY_25, MediaPipe's POSE_CONNECTIONS
NTU = (
    "1-2 2-21 3-21 4-3 5-21 6-5 7-6 8-7 9-21 10-9 11-10 12-11 13-1 14-13 15-14 16-15 17-1 18-17 19-18 20-19 22-23 "
    + ("23-8 24-25 25-12")
)
UCLA = "1-2 2-3 4-3 5-3 6-5 7-6 8-7 9-3 10-9 11-10 12-11 13-1 14-13 15-14 16-15 17-1 18-17 19-18 20-19"
COCO = "15-13 13-11 16-14 14-12 11-5 12-6 9-7 7-5 10-8 8-6 5-0 6-0 1-0 3-1 2-0 4-2"
OPENPOSE = "4-3 3-2 7-6 6-5 13-12 12-11 10-9 9-8 11-5 8-2 5-1 2-1 0-1 15-0 14-0 17-15 16-14"
HAND = "1-0 2-1 3-2 4-3 5-0 6-5 7-6 8-7 9-0 10-9 11-10 12-11 13-0 14-13 15-14 16-15 17-0 18-17 19-18 20-19"
BODY_25 = "1-8 2-1 5-1 3-2 4-3 6-5 7-6 9-8 10-9 11-10 12-8 13-12 14-13 0-1 15-0 17-15 16-0 18-16 19-14 20-19 21-14 " + (
    "22-11 23-22 24-11"
)
MEDIAPIPE = "0-1 1-2 2-3 3-7 0-4 4-5 5-6 6-8 9-10 11-12 11-13 13-15 15-17 15-19 15-21 17-19 12-14 14-16 16-18 " + (
    "16-20 16-22 18-20 11-23 12-24 23-24 23-25 24-26 25-27 26-28 27-29 28-30 29-31 30-32 27-31 28-32"
)
BONES = {"ntu_rgb_d": (NTU, 1), "kinect_v1": (UCLA, 1), "coco": (COCO, 0), "openpose": (OPENPOSE, 0)}
BONES.update(hand=(HAND, 0), body_25=(BODY_25, 0))


def _bones(text: str, first: int = 0) -> set[tuple[int, int]]:
    return {(int(a) - first, int(b) - first) for a, b in (bone.split("-") for bone in text.split())}


@pytest.mark.parametrize("name", BONES)
def test_bones_are_those_of_the_source(name):
    assert set(layouts.get(name).bones) == _bones(*BONES[name])


def test_bones_of_mediapipe_are_some_of_its_own_and_hold_the_face_to_the_body():
    pose = layouts.get("mediapipe_pose")
    added = {bone for bone in pose.bones if bone[::-1] not in _bones(MEDIAPIPE)}
    names = {(pose.joints[joint], pose.joints[parent]) for joint, parent in added}
    assert names == {(f"{side}_{part}", "nose") for side in ("left", "right") for part in ("mouth", "shoulder")}


def test_fingers_of_shrec_hang_on_the_palm():
    hand = layouts.get("shrec")
    assert [hand.joints[joint] for joint in (0, 1, 2, 5, 21)] == [
        "wrist",
        "palm",
        "thumb_base",
        "thumb_tip",
        "pinky_tip",
    ]
    for base in range(2, 22, 4):
        assert hand.parents[base : base + 4] == (1, base, base + 1, base + 2)


@pytest.mark.parametrize(
    ("name", "joints", "root", "centre", "dimensions"),
    [
        ("body_25", 25, "mid_hip", ["mid_hip"], 2),
        ("coco", 17, "nose", ["left_hip", "right_hip"], 2),
        ("hand", 21, "wrist", ["wrist"], 3),
        ("kinect_v1", 20, "shoulder_center", ["spine"], 3),
        ("mediapipe_pose", 33, "nose", ["left_hip", "right_hip"], 3),
        ("ntu_rgb_d", 25, "spine_shoulder", ["spine_mid"], 3),
        ("openpose", 18, "neck", ["left_hip", "right_hip"], 2),
        ("shrec", 22, "palm", ["palm"], 3),
    ],
)
def test_shipped_layouts(name, joints, root, centre, dimensions):
    layout = layouts.get(name)
    assert (layout.name, layout.num_joints, layout.joints[layout.root]) == (name, joints, root)
    assert [layout.joints[joint] for joint in layout.centre] == centre
    assert layout.dimensions == dimensions and layout.trunk
    assert name in layouts.with_joints(joints)


def test_every_shipped_layout_is_in_the_tables():
    assert set(layouts.available()) == {*BONES, "mediapipe_pose", "shrec"}
    assert layouts.with_joints(25) == ["body_25", "ntu_rgb_d"] and layouts.with_joints(7) == []


@every_layout
def test_adjacency_is_the_spatial_partition(name):
    """By hops to the root, entry by entry, each column a mean."""
    layout = layouts.get(name)
    count = layout.num_joints

    def hops(joint: int) -> int:
        return 0 if layout.parents[joint] == joint else 1 + hops(layout.parents[joint])

    want = np.zeros((3, count, count))
    for i in range(count):
        for j in range(count):
            joined = (i, j) in layout.bones or (j, i) in layout.bones
            want[0, i, j] = i == j
            want[1, i, j] = joined and hops(i) < hops(j)
            want[2, i, j] = joined and hops(i) > hops(j)
    for subset in want:
        for j in range(count):
            if subset[:, j].sum():
                subset[:, j] /= subset[:, j].sum()
    np.testing.assert_allclose(layout.adjacency(), want, atol=1e-12)


@every_layout
def test_mirrored_swaps_left_and_right(name):
    layout = layouts.get(name)
    order = layout.mirrored()
    assert (order[order] == np.arange(layout.num_joints)).all()
    for joint, other in zip(layout.joints, order):
        swapped = {"left": "right", "right": "left"}.get(joint.split("_")[0], "")
        assert layout.joints[other] == (swapped + joint[joint.index("_") :] if swapped else joint)
    # the skeleton's mirror image is the same skeleton
    assert {(order[joint], order[parent]) for joint, parent in layout.bones} == set(layout.bones)


def test_a_layout_that_names_no_centre_has_its_root():
    assert Layout("two", ("a", "b"), (1, 1)).centre == (1,)


def _seen(clip: np.ndarray, t: int, v: int, m: int) -> bool:
    return bool(np.isfinite(clip[:, t, v, m]).all())


def _there(clip: np.ndarray, t: int, m: int) -> bool:
    return any(_seen(clip, t, v, m) and clip[:, t, v, m].any() for v in range(clip.shape[2]))


def _normalised(layout: Layout, clip: np.ndarray, scale: bool) -> np.ndarray:
    """The documented steps, one frame, person and joint at a time."""
    _, frames, joints, persons = clip.shape
    shown = [(m, [t for t in range(frames) if _there(clip, t, m)]) for m in range(persons)]
    person, own = next(((m, times) for m, times in shown if times), (0, []))
    if not own:
        return clip
    centre, time = (
        list(layout.centre),
        next((t for t in own if all(_seen(clip, t, v, person) for v in layout.centre)), None),
    )
    if time is None:
        time = own[0]
        centre = [v for v in range(joints) if _seen(clip, time, v, person)]
    origin = np.mean([clip[:, time, v, person] for v in centre], axis=0)
    lengths = []
    for t in own:
        pairs = [(a, b) for a, b in layout.trunk if _seen(clip, t, a, person) and _seen(clip, t, b, person)]
        if pairs:
            lengths.append(np.mean([np.linalg.norm(clip[:, t, a, person] - clip[:, t, b, person]) for a, b in pairs]))
    unit = np.median(lengths) if scale else 1
    result = clip.copy()
    for m, times in shown:
        for t in times:
            for v in range(joints):
                result[:, t, v, m] = (clip[:, t, v, m] - origin) / unit
    return result


values = st.sampled_from([0.0, 0.0, np.nan, 1.0, -2.5, 7.0, 640.0])


@st.composite
def clips(draw) -> np.ndarray:
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, 4), st.just(LINE.num_joints), st.integers(1, 2)))
    cells = draw(st.lists(values, min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    return np.array(cells).reshape(shape)


@settings(max_examples=100, deadline=None)
@given(clip=clips(), scale=st.booleans())
def test_normalise_is_its_plain_form(clip, scale):
    before = clip.copy()
    try:
        result = LINE.normalise(clip, scale)
    except ClipError as error:
        # of a body without a length
        assert scale and "no frame shows a trunk (a to b, b to c)" in str(error)
        return
    np.testing.assert_allclose(result, _normalised(LINE, clip, scale), atol=1e-9)
    np.testing.assert_array_equal(clip, before)


def test_normalised_clips_are_in_the_middle_and_of_one_size():
    rng = np.random.default_rng(0)
    clip = rng.standard_normal((3, 9, 17, 2)).astype("float32")
    clip[2] = rng.random((9, 17, 2))  # confidence
    clip[:, 4:, :, 1] = 0
    clip[:, 0, :, 0] = 0
    coco = layouts.get("coco")
    result = coco.normalise(clip, scale=True)
    again = coco.normalise(clip * np.array([37, 37, 1], "float32")[:, None, None, None] + 0, scale=True)
    np.testing.assert_allclose(result, again, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(result[:2, 1, [11, 12], 0].mean(axis=1), 0, atol=1e-6)
    assert result.dtype == np.float32
    # neither confidence nor who is not there
    np.testing.assert_array_equal(result[2], clip[2])
    assert not result[:, 4:, :, 1].any() and not result[:, 0, :, 0].any()
    # three coordinates, where there are as many
    assert (coco.normalise(clip, scale=False, coordinates=3)[2, 1] != clip[2, 1]).any()


def test_an_empty_clip_stays_as_it_is():
    empty = np.zeros((2, 4, 17, 1), "float32")
    np.testing.assert_array_equal(layouts.get("coco").normalise(empty, scale=True), empty)
    assert layouts.get("coco").normalise(np.ones((2, 1, 17, 1), int), scale=False).dtype.kind == "f"


def test_what_cannot_be_normalised_is_said():
    with pytest.raises(ClipError, match=r"shape \(3, 4, 25, 1\): layout 'coco' needs \(C, T, 17, M\)"):
        layouts.get("coco").normalise(np.zeros((3, 4, 25, 1)), scale=False)
    with pytest.raises(ConfigError, match="layout 'two' names no trunk"):
        Layout("two", ("a", "b"), (0, 0)).normalise(np.ones((2, 1, 2, 1)), scale=True)
