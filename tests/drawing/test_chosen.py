"""Clips that a user names, and what is known of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ntu_files import random_scene, text_of
from stick_figures import good

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data import class_names
from ctrgcn_plugin.drawing import chosen
from ctrgcn_plugin.errors import UserError


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return good().write(tmp_path_factory.mktemp("prepared") / "data")


def read(*inputs, **settings):
    return list(chosen.read(map(str, inputs), **settings))


@pytest.mark.parametrize("row", ["3", "S001C001P003R001A004"])
def test_a_row_of_prepared_data(data, row):
    file = data / "xsub" / "val_data.npy"
    for (clip,) in (read(f"{file}#{row}"), read(file, row=row)):
        np.testing.assert_array_equal(clip.clip, good().val.clips[3])
        assert layouts.get(clip.layout).joints == ("hip", "chest", "left_hand", "right_hand")
        assert (clip.unit, clip.classes, clip.label) == ("metres", list("abcde"), 3)
        assert clip.name == f"{file}#{row}" and clip.stem == f"val_data_{row}"


def test_a_row_without_a_card_or_labels(data, tmp_path):
    np.save(tmp_path / "clips.npy", good().val.clips)
    (clip,) = read(tmp_path / "clips.npy#1")
    assert (clip.layout, clip.unit, clip.classes, clip.label) == ("", "", (), None)


def test_files_of_a_clip_in_their_order(tmp_path):
    gapped = np.full((2, 3, 17, 1), np.nan)
    gapped[:, 1] = 0.5
    np.save(tmp_path / "a#1.npy", gapped)
    (tmp_path / "b.skeleton").write_text(text_of(random_scene(np.random.default_rng(0))))
    first, second = read(tmp_path / "a#1.npy", tmp_path / "b.skeleton")
    np.testing.assert_array_equal(first.clip, gapped)
    assert (second.layout, second.unit) == ("ntu_rgb_d", "metres") and second.clip.shape[2] == 25
    assert [one.name for one in read(tmp_path)] == [first.name, second.name]
    # NTU RGB+D's own names say what a clip shows
    assert second.label is None
    (clip,) = read((tmp_path / "b.skeleton").rename(tmp_path / "S001C002P003R002A058.skeleton"))
    assert class_names.label(clip.classes, clip.label) == "handshaking"


def test_keypoints_of_a_pose_estimator(tmp_path):
    pose = np.random.default_rng(0).uniform(1, 100, (18, 3))
    for frame in range(3):
        people = [{"pose_keypoints_2d": (pose + frame).ravel().tolist()}]
        (tmp_path / f"a_{frame:012}_keypoints.json").write_text(json.dumps({"people": people}))
    (clip,) = read(tmp_path, layout="openpose")
    assert clip.clip.shape[:3] == (2, 3, 18) and clip.clip.any() and (clip.layout, clip.unit) == ("openpose", "trunks")
    with pytest.raises(UserError, match="is of keypoints; say of which skeleton they are with --layout"):
        read(tmp_path)


@pytest.mark.parametrize(
    "shape, values, layout",
    [
        ((3, 2, 25, 2), (-1, 1), "ntu_rgb_d"),
        ((2, 2, 25, 2), (-1, 1), "body_25"),
        ((3, 2, 20, 1), (-1, 1), "kinect_v1"),
        ((2, 2, 17, 1), (-1, 1), "coco"),
        ((3, 2, 17, 1), (0, 1), "coco"),
        ((3, 2, 17, 1), (-1, 1), "coco"),
        ((3, 2, 21, 1), (0, 1), "hand"),
        ((2, 2, 22, 1), (0, 1), "shrec"),
        ((2, 2, 33, 1), (0, 1), "mediapipe_pose"),
        ((3, 2, 18, 1), (0, 1), "openpose"),
    ],
)
def test_the_layout_follows_from_the_joints(shape, values, layout):
    clip = np.random.default_rng(0).uniform(*values, shape)
    assert chosen.layout_of(chosen.Chosen(Path("clip"), clip)) == layout


@pytest.mark.parametrize(
    "shape, message",
    [
        # as many joints, and a third coordinate that may be depth or confidence
        ((3, 2, 25, 1), "25 joints, and body_25 and ntu_rgb_d have as many; give one with --layout"),
        ((3, 2, 4, 1), "4 joints, and no shipped layout has as many; give one with --layout"),
    ],
)
def test_a_layout_that_does_not_follow_has_to_be_said(shape, message):
    with pytest.raises(UserError, match=message):
        chosen.layout_of(chosen.Chosen(Path("clip"), np.full(shape, 0.5)))


@pytest.mark.parametrize(
    "name, message",
    [
        ("no.npy", "no clip at "),
        ("no.npy#3", "no data at "),
        ("xsub/val_data.npy", "has 5 clips; say which one: .*val_data.npy#0, or --row 0"),
        ("xsub/val_data.npy#5", "no row '5'; its 5 rows are counted from 0, and are called 'S001C001P003R001A001'"),
        ("xsub/val_data.npy#-1", "no row '-1'"),
        ("xsub/val_data.npy#", "no row ''"),
        ("xsub/val_label.pkl#0", "cannot be read as a .npy file"),
        ("xsub/val_label.pkl", "no supported format"),
        (
            "flat.npy",
            r"3 axes, shape \(2, 3, 4\) of float64; numbers of \(coordinates C, frames T, joints V, persons M\)",
        ),
        ("letters.npy", r"4 axes, shape \(3, 1, 4, 1\) of <U1; numbers of"),
        ("text.npy", "cannot be read as a .npy file"),
        ("several.npy", "is an archive of arrays"),
    ],
)
def test_a_mistake_is_one_line(data, name, message):
    np.save(data / "flat.npy", np.zeros((2, 3, 4)))
    np.save(data / "letters.npy", np.full((3, 1, 4, 1), "x"))
    (data / "text.npy").write_text("no array")
    with (data / "several.npy").open("wb") as file:
        np.savez(file, a=np.zeros(3))
    with pytest.raises(UserError, match=message) as error:
        read(data / name)
    assert "\n" not in str(error.value)


def test_a_damaged_card_is_said(data, tmp_path):
    folder = good().write(tmp_path / "data")
    (folder / "dataset.yaml").write_text(yaml.safe_dump({"name": "x"}))
    with pytest.raises(UserError, match="dataset.yaml is no description"):
        read(folder / "xsub" / "val_data.npy#0")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_a_damaged_array_raises_nothing_else(tmp_path_factory, content, begins_well):
    file = tmp_path_factory.mktemp("fuzz") / "clip.npy"
    file.write_bytes(b"\x93NUMPY\x01\x00" * begins_well + content)
    for name in (f"{file}", f"{file}#0"):
        with pytest.raises(UserError) as error:
            read(name)
        assert not re.search("[\r\n]", str(error.value))


@pytest.mark.parametrize("shape, layout", [((20, 25, 3), None), ((20, 2, 25, 3), None), ((20, 17, 2), "coco")])
def test_plain_clips(shape, layout, tmp_path):
    joints = np.random.default_rng(0).standard_normal(shape)
    np.save(tmp_path / "raw.npy", joints)
    (clip,) = chosen.read([str(tmp_path / "raw.npy")], layout=layout)
    assert clip.clip.shape == (shape[-1], 20, shape[-2], 2)
    assert (clip.layout, clip.unit) == (("coco", "trunks") if layout else ("ntu_rgb_d", ""))
    # the same person, seen from another place
    first = joints if len(shape) == 3 else joints[:, 0]
    if not layout:
        moved = clip.clip[..., 0].transpose(1, 2, 0) - first
        np.testing.assert_allclose(moved, np.broadcast_to(moved[0, 0], moved.shape), atol=1e-5)
