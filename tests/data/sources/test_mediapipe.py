"""MediaPipe's landmarks: every form of its results is the same clip, in the picture and in the world."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from damage import damaged
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.prepare.source import Recording
from ctrgcn_plugin.data.sources import mediapipe
from ctrgcn_plugin.errors import ClipError, ConfigError

JOINTS = 33
WIDTH, HEIGHT = 200, 100
LAYOUT = layouts.get("mediapipe_pose")


def points(x: float) -> np.ndarray:
    """(V, 2) in the picture, in pixels, on a slope downward to the right."""
    return np.stack([x + np.arange(JOINTS), np.arange(JOINTS) / 2], axis=1)


def landmarks(x: float) -> list[dict[str, float]]:
    return [{"x": px / WIDTH, "y": py / HEIGHT, "z": 0.5, "visibility": 0.5} for px, py in points(x)]


def world(x: float) -> list[dict[str, float]]:
    return [{"x": v / 10, "y": x + v / 20, "z": v / 30, "visibility": 0.5} for v in range(JOINTS)]


# two persons who change places; nobody in frame 2
PLACES = [[0, 100], [101, 1], [], [3, 103]]
RESULTS = [
    {"pose_landmarks": [landmarks(x) for x in xs], "pose_world_landmarks": [world(x) for x in xs]} for xs in PLACES
]
WEB = [{"landmarks": r["pose_landmarks"], "worldLandmarks": r["pose_world_landmarks"]} for r in RESULTS]
HEADER = {"width": WIDTH, "height": HEIGHT, "fps": 25}
FORMS = {
    "Python": RESULTS,
    "web": WEB,
    "with a header": {**HEADER, "frames": RESULTS},
    "nobody is null": [result if any(result.values()) else None for result in RESULTS],
}
# of one person
ONE = [landmarks(x) for x in (0, 1, 2)]
SOLUTIONS = {
    "protobuf": [{"pose_landmarks": {"landmark": person}} for person in ONE],
    "web": [{"poseLandmarks": person} for person in ONE],
    "tasks": [{"pose_landmarks": [person]} for person in ONE],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "labels.csv").write_text("clip,label,split\na,wave,train\n")
    return tmp_path


def read(folder: Path, content: Any, **options):
    path = folder / "raw" / "a.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))
    options = {"image_size": f"{WIDTH}x{HEIGHT}", **options}
    clips = mediapipe.source(folder / "raw", labels=folder / "labels.csv", **options)
    return pickle.loads(pickle.dumps(clips)).read(Recording("a", 0, path))


@pytest.mark.parametrize("form", FORMS)
def test_in_the_picture(folder: Path, form: str) -> None:
    clip, _ = read(folder, FORMS[form], persons=2, confidence=True)
    expected = np.stack([points(x) * (1, -1) for x in (0, 1, 2, 3)])[..., None]
    expected = np.concatenate([expected, expected + np.reshape([100, 0], (2, 1))], axis=3).transpose(2, 0, 1, 3)
    if clip[0, 0, 0, 0] > clip[0, 0, 0, 1]:
        clip = clip[..., ::-1]
    trunk = np.linalg.norm(points(0)[11] - points(0)[23])
    np.testing.assert_allclose(clip[:2] - clip[:2, :1, :1, :1], (expected - expected[:, :1, :1, :1]) / trunk, atol=1e-4)
    np.testing.assert_array_equal(clip[2, :, 0], [[0.5] * 2, [0.5] * 2, [0] * 2, [0.5] * 2])


@pytest.mark.parametrize("form", SOLUTIONS)
def test_forms_of_one_person(folder: Path, form: str) -> None:
    np.testing.assert_array_equal(read(folder, SOLUTIONS[form]).clip, read(folder, SOLUTIONS["tasks"]).clip)
    assert read(folder, SOLUTIONS[form]).clip.shape == (2, 3, JOINTS, 1)


def test_in_the_world(folder: Path) -> None:
    clip, _ = read(folder, RESULTS, world=True, persons=1, image_size=None)
    seen = np.array([[(v / 10, -(x + v / 20), v / 30) for v in range(JOINTS)] for x in (0, 1, 3)])
    seen -= seen[0, 23:25].mean(axis=0)
    np.testing.assert_allclose(clip[..., 0][:, [0, 1, 3]], seen.transpose(2, 0, 1), atol=1e-5)


def test_what_is_offered(folder: Path) -> None:
    clips = mediapipe.source(folder / "raw", labels=folder / "labels.csv", world=True, confidence=True)
    description = clips.describe()
    assert (description.layout, description.coordinates, description.unit) == ("mediapipe_pose", 4, "metres")
    assert mediapipe.source(folder, labels=folder / "labels.csv").describe().unit == "trunks"


def test_a_header_knows_size_and_rate(folder: Path) -> None:
    with_header = read(folder, FORMS["with a header"], image_size=None)
    np.testing.assert_array_equal(with_header.clip, read(folder, RESULTS).clip)
    assert mediapipe.recorded(folder / "raw" / "a.json", LAYOUT, (WIDTH, HEIGHT)).rate == 0
    (folder / "raw" / "a.json").write_text(json.dumps(FORMS["with a header"]))
    assert mediapipe.recorded(folder / "raw" / "a.json", LAYOUT).rate == 25


def test_without_the_size_bodies_have_no_proportions(folder: Path) -> None:
    with pytest.raises(ClipError, match="does not say the width and height .* --image_size"):
        read(folder, RESULTS, image_size=None)
    with pytest.raises(ConfigError, match="'200' is none; give width and height in pixels, like 1920x1080"):
        read(folder, RESULTS, image_size="200")


def test_a_landmark_that_is_not_visible_is_none(folder: Path) -> None:
    person = landmarks(0)
    person[5] = {"x": 0, "y": 0, "z": 0, "visibility": 0}
    result = {"pose_landmarks": [person], "pose_world_landmarks": [world(0)]}
    path = folder / "a.json"
    path.write_text(json.dumps([result]))
    (pose,) = mediapipe.recorded(path, LAYOUT, (WIDTH, HEIGHT)).poses
    assert np.isnan(pose.joints[5]).all() and np.isnan(pose.world[5]).all()
    assert np.isfinite(np.delete(pose.joints, 5, axis=0)).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (3, "has no 'frames'"),
        ([3], r"frame 0 \(from 0\) is no result"),
        ([{"pose_landmarks": 3}], "something else than lists of landmarks"),
        ([{"pose_landmarks": [landmarks(0)[:20]]}], "20 keypoints where layout 'mediapipe_pose' has 33 joints"),
        ([{"pose_landmarks": [[{"x": 1}]]}], "landmark 0 has no 'y'"),
        (
            [{"pose_landmarks": [landmarks(0)], "pose_world_landmarks": [world(0)] * 2}],
            "1 persons in the picture and 2 in",
        ),
        ({"width": -1, "frames": []}, "width, height or fps that cannot be"),
        ([], "has nobody in any of its"),
        ([{}, None], "has nobody in any of its"),
    ],
)
def test_mistakes_are_named(folder: Path, content: Any, message: str) -> None:
    with pytest.raises(ClipError, match=message) as error:
        read(folder, content)
    assert str(folder / "raw" / "a.json") in str(error.value)
    assert "\n" not in str(error.value)


@given(damaged({**FORMS, **SOLUTIONS}), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_in_a_file(folder: Path, content: Any, in_world: bool) -> None:
    try:
        clip, _ = read(folder, content, persons=2, world=in_world)
    except ClipError as error:
        assert "\n" not in str(error)
    else:
        assert (len(clip), *clip.shape[2:]) == (2 + in_world, JOINTS, 2)
        assert np.isfinite(clip).all()
