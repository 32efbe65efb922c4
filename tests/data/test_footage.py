"""What a model is shown of keypoints is what it was trained on; what does not fit is refused, and what fits is said."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data import clips, footage, keypoints
from ctrgcn_plugin.data.footage import Array, Keypoints, Needs
from ctrgcn_plugin.data.prepare.run import prepare
from ctrgcn_plugin.data.sample import centre_crop_resample
from ctrgcn_plugin.data.sources import coco, mediapipe, openpose, plain, ultralytics
from ctrgcn_plugin.data.sources.poses import Pose, Recorded
from ctrgcn_plugin.errors import ClipError, ConfigError

FRAMES = 20
SIZE = (640, 480)


def walk(seed: int, joints: int, persons: int = 3) -> np.ndarray:
    """(T, P, V, 3): persons who walk about in a picture, joints as a detector has them, some of them lost."""
    rng = np.random.default_rng(seed)
    body = rng.uniform(-40, 40, (persons, joints, 2)) + np.arange(1, persons + 1)[:, None, None] * 150
    people = body + rng.normal(0, 1, (FRAMES, persons, joints, 2)).cumsum(axis=0)
    certain = rng.uniform(0.2, 1, (FRAMES, persons, joints, 1)).round(3)
    # the first ones are never lost, so that there is a trunk in every frame
    lost = rng.random((FRAMES, persons, joints)) < 0.1
    lost[0] = False
    certain[lost] = 0
    return np.concatenate([np.where(certain > 0, people, 0).round(3), certain], axis=-1)


def openpose_clip(path: Path, people: np.ndarray) -> Path:
    path.mkdir(parents=True)
    for frame, persons in enumerate(people):
        content = {"people": [{"pose_keypoints_2d": person.ravel().tolist()} for person in persons]}
        (path / f"v_{frame:012}_keypoints.json").write_text(json.dumps(content))
    return path


def coco_clip(path: Path, people: np.ndarray) -> Path:
    entries = [
        {"image_id": frame, "keypoints": person.ravel().tolist()}
        for frame, persons in enumerate(people)
        for person in persons
    ]
    return written(path, entries)


def mediapipe_clip(path: Path, people: np.ndarray) -> Path:
    shares = people / (*SIZE, 1)
    results = [
        {
            "pose_landmarks": [
                [{"x": x, "y": y, "z": 0, "visibility": seen} for x, y, seen in person.tolist()] for person in persons
            ],
            "pose_world_landmarks": [
                [{"x": 3 * x, "y": y, "z": x * y, "visibility": seen} for x, y, seen in person.tolist()]
                for person in persons
            ],
        }
        for persons in shares
    ]
    return written(path, {"width": SIZE[0], "height": SIZE[1], "fps": 10, "frames": results})


def ultralytics_clip(path: Path, people: np.ndarray) -> Path:
    frames = [
        [{"keypoints": dict(zip(("x", "y", "visible"), person.T.tolist()))} for person in persons] for persons in people
    ]
    return written(path, frames)


def ultralytics_texts(path: Path, people: np.ndarray) -> Path:
    path.mkdir(parents=True)
    for frame, persons in enumerate(people / (*SIZE, 1), start=1):
        lines = [" ".join(map(str, [0, 0, 0, 0, 0, *person.ravel()])) for person in persons]
        (path / f"v_{frame}.txt").write_text("\n".join(lines))
    return path


def plain_array(path: Path, people: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path.with_suffix(".npy"), people[..., :2])
    return path.with_suffix(".npy")


def plain_array_in_space(path: Path, people: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path.with_suffix(".npy"), people)
    return path.with_suffix(".npy")


def written(path: Path, content: Any) -> Path:
    path = path.with_suffix(".json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


# writer, reader of the preparation, layout, its options, those of the prediction, unit
Case = tuple[Callable[[Path, np.ndarray], Path], Any, str, dict[str, Any], dict[str, Any], str]
IMAGE = {"image_size": f"{SIZE[0]}x{SIZE[1]}"}
CASES: dict[str, Case] = {
    "openpose": (openpose_clip, openpose.source, "body_25", {}, {}, "trunks"),
    "coco": (coco_clip, coco.source, "coco", {"layout": "coco"}, {}, "trunks"),
    "with confidence": (coco_clip, coco.source, "coco", {"layout": "coco", "confidence": True}, {}, "trunks"),
    "mediapipe": (mediapipe_clip, mediapipe.source, "mediapipe_pose", {}, {}, "trunks"),
    "mediapipe in the world": (mediapipe_clip, mediapipe.source, "mediapipe_pose", {"world": True}, {}, "metres"),
    "ultralytics": (ultralytics_clip, ultralytics.source, "coco", {}, {}, "trunks"),
    "ultralytics as text": (ultralytics_texts, ultralytics.source, "coco", IMAGE, IMAGE, "trunks"),
}
# told by their shapes: what is plain cannot be a clip as networks take it
PLAIN: dict[str, Case] = {
    "plain": (plain_array, plain.source, "coco", {"layout": "coco"}, {}, "trunks"),
    "plain in space": (plain_array_in_space, plain.source, "kinect_v1", {"layout": "kinect_v1"}, {}, "as recorded"),
}


@pytest.mark.parametrize("persons", [1, 2])
@pytest.mark.parametrize("case", {**CASES, **PLAIN})
def test_a_prediction_is_fed_what_training_was(tmp_path: Path, case: str, persons: int) -> None:
    write, source, layout, options, more, unit = {**CASES, **PLAIN}[case]
    joints = layouts.get(layout).num_joints
    files = {name: write(tmp_path / "raw" / name, walk(seed, joints)) for seed, name in enumerate(("a", "b"))}
    labels = tmp_path / "labels.csv"
    labels.write_text("clip,label,split\na,wave,train\nb,jump,val\n")
    prepared = prepare(
        source(tmp_path / "raw", labels=labels, persons=persons, **options), tmp_path / "out", workers=1, progress=False
    )
    card = prepared.card
    assert (card.layout, card.unit, card.persons) == (layout, unit, persons)
    needs = Needs((card.coordinates, joints, card.persons), card.layout, card.unit)
    for name, split in (("a", "train"), ("b", "val")):
        (trained,) = np.load(tmp_path / "out" / "split" / f"{split}_data.npy")
        shown = clips.opened(files[name], needs, **more).clip()
        assert np.ptp(trained) > 0.1
        np.testing.assert_array_equal(centre_crop_resample(shown, 16, 0.9), centre_crop_resample(trained, 16, 0.9))


def test_plain_clips_that_do_not_fit(tmp_path: Path) -> None:
    array = plain_array(tmp_path / "a", walk(0, 17))
    for needs, message in (
        (Needs((3, 17, 1), "coco", "as recorded"), "has 2-D joints; the model takes 3-D joints"),
        (
            Needs((2, 17, 1), "coco", "half images"),
            "has 2-D joints; .* unit half images",
        ),
        (Needs((2, 18, 1), "openpose", "trunks"), "layout 'openpose' needs"),
    ):
        with pytest.raises(ClipError, match=message):
            clips.opened(array, needs, form="plain")
    with pytest.raises(ClipError, match="is no plain clip; give a .npy or .csv file"):
        clips.opened(tmp_path, Needs((2, 17, 1), "coco", "trunks"), form="plain")
    # a clip as networks take it is that, whatever else it may be
    both = tmp_path / "both.npy"
    np.save(both, np.ones((3, 9, 3, 3), np.float32))
    assert clips.opened(both, Needs((3, 3, 3), "", "metres")).clip().shape == (3, 9, 3, 3)


def test_a_row_of_prepared_data(tmp_path: Path) -> None:
    file, _ = (plain_array(tmp_path / "raw" / name, walk(seed, 17)) for seed, name in enumerate("ab"))
    (tmp_path / "labels.csv").write_text("clip,label,split\na,wave,val\nb,wave,train\n")
    source = plain.source(tmp_path / "raw", labels=tmp_path / "labels.csv", layout="coco")
    prepare(source, tmp_path / "out", workers=1, progress=False)
    data, needs = tmp_path / "out" / "split" / "val_data.npy", Needs((2, 17, 1), "coco", "trunks")
    for row in ("0", "a"):
        name = f"{data}#{row}"
        assert clips.clip_files([name]) == [Path(name)]
        np.testing.assert_array_equal(clips.opened(name, needs).clip(), clips.opened(file, needs, form="plain").clip())
    for name, wanted, message in (
        (f"{data}#1", needs, "has no row '1'; its 1 rows are counted from 0, and are called 'a'"),
        (f"{data}#0", Needs((2, 17, 1), "coco", "half images"), "has unit trunks; the model takes"),
        (f"{data}#0", Needs((3, 17, 1), "coco", ""), "the model needs"),
        (f"{tmp_path / 'none.npy'}#0", needs, "no data at"),
        (data, needs, f"holds 1 clips; name one of them, by its row: {data}#0"),
    ):
        with pytest.raises(ClipError, match=re.escape(message)):
            clips.opened(name, wanted)


@pytest.mark.parametrize("case", CASES)
def test_the_format_is_told_by_the_files(tmp_path: Path, case: str) -> None:
    write, source, layout, *_ = CASES[case]
    file = write(tmp_path / "clip", walk(0, layouts.get(layout).num_joints))
    assert keypoints.format_of(file) == source.__module__.rpartition(".")[2]
    assert clips.clip_files([file]) == [file]


def test_what_is_in_no_format(tmp_path: Path) -> None:
    frame = openpose_clip(tmp_path / "a", walk(0, 25)) / f"v_{0:012}_keypoints.json"
    with pytest.raises(ClipError, match="give its folder"):
        keypoints.format_of(frame)
    for content in ({}, 3, None, "a", [3], [[3]], {"frames": 3}, {"annotations": 3}):
        with pytest.raises(ClipError, match="name it with --keypoints"):
            keypoints.format_of(written(tmp_path / "b", content))
    with pytest.raises(ClipError, match="b.json is a file; a clip is OpenPose: a folder of"):
        clips.opened(tmp_path / "b.json", Needs((2, 17, 1), "coco", "trunks"), form="openpose")
    with pytest.raises(ConfigError, match="unknown format of keypoints 'cocoa'.*Did you mean 'coco'"):
        clips.opened(tmp_path / "b.json", Needs((2, 17, 1), "coco", "trunks"), form="cocoa")


def test_a_part_is_what_a_clip_of_its_own_would_be(tmp_path: Path) -> None:
    people = walk(3, 17)
    needs = Needs((3, 17, 2), "coco", "trunks")
    whole = clips.opened(coco_clip(tmp_path / "whole", people), needs)
    part = clips.opened(coco_clip(tmp_path / "part", people[6:15]), needs)
    assert (whole.frames, part.frames) == (FRAMES, 9)
    np.testing.assert_array_equal(whole.clip(6, 15), part.clip())


def test_who_is_there_in_a_part_comes_first() -> None:
    people = walk(0, 17, persons=2)
    first = [Pose(frame, person[0] * (1, -1, 1)) for frame, person in enumerate(people[:12])]
    second = [Pose(frame, person[1] * (1, -1, 1)) for frame, person in enumerate(people) if frame >= 12]
    clip = Keypoints("a", Recorded(first + second), Needs((2, 17, 2), "coco", "trunks"))
    assert clip.clip(12, 20)[..., 0].any() and not clip.clip(12, 20)[..., 1].any()
    with pytest.raises(ClipError, match="clip a has nobody in any of its frames"):
        clip.clip(20, 25)


def test_parts_of_prepared_clips_have_their_own_origin_and_unit(tmp_path: Path) -> None:
    raw = walk(5, 17, persons=1)
    raw[..., 2] = 1
    needs = Needs((2, 17, 1), "coco", "trunks")
    of_keypoints = clips.opened(coco_clip(tmp_path / "a", raw), needs)
    np.save(tmp_path / "a.npy", np.pad(of_keypoints.clip(), ((0, 0), (0, 7), (0, 0), (0, 0))))
    of_array = clips.opened(tmp_path / "a.npy", needs)
    assert of_array.frames == FRAMES
    np.testing.assert_array_equal(of_array.clip(), np.load(tmp_path / "a.npy"))
    np.testing.assert_allclose(of_array.clip(4, 13), of_keypoints.clip(4, 13), atol=1e-5)


def test_parts_of_clips_in_pictures_stay_where_they_are() -> None:
    values = np.random.default_rng(0).normal(size=(2, 9, 17, 1)).astype("float32")
    clip = Array("a", values, Needs((2, 17, 1), "coco", "half images"))
    np.testing.assert_array_equal(clip.clip(3, 6), values[:, 3:6])
    values[:, 3:6] = 0
    with pytest.raises(ClipError, match="nobody in any of its frames 3 to 6"):
        clip.clip(3, 6)


KINECT = Needs((3, 25, 2), "ntu_rgb_d", "metres")
PLANE = Needs((2, 17, 1), "coco", "trunks")


@pytest.mark.parametrize(
    ("form", "joints", "needs", "message"),
    [
        (
            "coco",
            17,
            KINECT,
            "has joints 2-D in trunks; the model takes 3-D joints, 25 of layout ntu_rgb_d, unit metres",
        ),
        ("openpose", 25, KINECT, "2-D in trunks; the model takes 3-D joints, 25 of layout ntu_rgb_d"),
        ("mediapipe", 33, KINECT, "33 keypoints where layout 'ntu_rgb_d' has 25 joints; mediapipe_pose has as many"),
        ("openpose", 25, PLANE, "25 keypoints where layout 'coco' has 17 joints; body_25 or ntu_rgb_d has as many"),
        ("coco", 17, Needs((2, 17, 1), "coco", "half images"), "takes 2-D joints, 17 of layout coco, unit half images"),
        ("coco", 17, Needs((3, 17, 1), "coco"), "export the model again, so that it says its unit"),
        ("mediapipe", 33, Needs((3, 33, 1), "mediapipe_pose", "as recorded"), "2-D in trunks or 3-D in metres"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, form: str, joints: int, needs: Needs, message: str) -> None:
    file = CASES[form][0](tmp_path / "clip", walk(0, joints))
    with pytest.raises(ClipError, match=message) as error:
        clips.opened(file, needs).clip()
    assert str(file) in str(error.value) and "\n" not in str(error.value)


def test_of_an_older_model_layout_and_unit_are_guessed_aloud(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    footage._by_joints.cache_clear()
    file = coco_clip(tmp_path / "clip", walk(0, 17))
    with caplog.at_level(logging.WARNING):
        guessed = clips.opened(file, Needs((2, 17, 1))).clip()
    np.testing.assert_array_equal(guessed, clips.opened(file, PLANE).clip())
    assert "by its 17 joints it is coco" in caplog.text and "taken to be in trunks" in caplog.text


@pytest.mark.parametrize(
    ("needs", "message"),
    [
        (Needs((2, 19, 1)), "no shipped one has 19 joints; name it with --layout"),
        (Needs((2, 17, 1), "mine"), "layout 'mine' is not shipped; give its file with --layout"),
        (Needs((2, 18, 1), "coco"), "the model: num_point is 18"),
    ],
)
def test_a_layout_that_is_not_known(needs: Needs, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        needs.skeleton()
