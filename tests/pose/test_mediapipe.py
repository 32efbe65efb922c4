"""MediaPipe as an estimator: what its process writes, made here, and, where it is installed, the real one."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ctrgcn_plugin import pose
from ctrgcn_plugin.cli import predict
from ctrgcn_plugin.data import clips, keypoints
from ctrgcn_plugin.data.footage import Needs
from ctrgcn_plugin.errors import ClipError, ConfigError, EnvironmentSetupError
from ctrgcn_plugin.pose import mediapipe

JOINTS = 33
WIDTH, HEIGHT, RATE = 320, 240, 12.5
FRAMES = 9
PLANE = Needs((3, JOINTS, 2), "mediapipe_pose", "trunks")
WORLD = Needs((3, JOINTS, 1), "mediapipe_pose", "metres")


def landmarks(rng: np.random.Generator) -> list[dict[str, float]]:
    return [dict(zip(("x", "y", "z", "visibility"), row)) for row in rng.uniform(0.1, 0.9, (JOINTS, 4)).tolist()]


@pytest.fixture
def video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A video that a made process reads: two persons, nobody in the fourth frame; arguments are noted beside it."""
    rng = np.random.default_rng(0)
    lines: list[dict[str, Any]] = [{"width": WIDTH, "height": HEIGHT, "fps": RATE, "count": FRAMES}]
    for frame in range(FRAMES):
        people = [landmarks(rng) for _ in range(2 * (frame != 3))]
        lines.append({"pose_landmarks": people, "pose_world_landmarks": [landmarks(rng) for _ in people]})
    (tmp_path / "lines").write_text("\n".join(map(json.dumps, lines)))
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, pathlib\nhere = pathlib.Path(__file__).parent\n"
        "(here / 'arguments').write_text(' '.join(sys.argv[1:]))\nprint((here / 'lines').read_text())"
    )
    monkeypatch.setattr(mediapipe, "SCRIPT", script)
    path = tmp_path / "wave.mp4"
    path.touch()
    return path


@pytest.mark.parametrize("needs", [PLANE, WORLD])
def test_a_video_is_what_its_keypoints_are(video: Path, needs: Needs) -> None:
    kept = video.parent / "kept" / "wave.json"
    seen = pose.footage(pose.get(persons=2), video, needs, kept)
    again = clips.opened(kept, needs)
    assert (seen.source, seen.frames, seen.rate) == (str(video), FRAMES, RATE)
    assert (again.frames, again.rate) == (FRAMES, RATE)
    assert keypoints.format_of(kept) == "mediapipe"
    for part in ((0, None), (2, 8)):
        np.testing.assert_array_equal(seen.clip(*part), again.clip(*part))
    assert seen.clip().shape == (3, FRAMES, JOINTS, needs.clip_shape[2])


def test_arguments(video: Path, tmp_path: Path) -> None:
    weights = tmp_path / "a.task"
    with pytest.raises(ConfigError, match=r"no weights at .*a\.task"):
        pose.footage(pose.get(model=weights), video, PLANE)
    weights.touch()
    pose.footage(pose.get("mediapipe", python=sys.executable, model=weights, persons=3), video, PLANE)
    assert (tmp_path / "arguments").read_text() == f"{video} --persons 3 --model {weights}"


def test_keypoints_are_kept_whole_or_not_at_all(video: Path) -> None:
    lines = (video.parent / "lines").read_text().splitlines()
    (video.parent / "lines").write_text("\n".join([*lines[:4], '{"pose_landmarks": 3}']))
    with pytest.raises(ClipError, match=r"wave\.mp4, frame 3 has something else than lists of landmarks"):
        pose.footage(pose.get(), video, PLANE, video.parent / "kept.json")
    assert not list(video.parent.glob("*kept*"))


def test_a_process_without_a_result(video: Path) -> None:
    (video.parent / "lines").write_text("")
    with pytest.raises(EnvironmentSetupError, match="wrote no JSON"):
        pose.footage(pose.get(), video, PLANE)


@pytest.mark.parametrize(
    ("needs", "message"),
    [
        (
            Needs((3, 25, 2), "ntu_rgb_d", "metres"),
            "mediapipe finds joints of layout mediapipe_pose; the model takes 3-D",
        ),
        (Needs((2, 17, 2), "coco", "trunks"), "give keypoints of coco with --input"),
        (Needs((3, 25, 2), "ntu_rgb_d", "as recorded"), "has joints 2-D in trunks or 3-D in metres; the model takes"),
        (Needs((2, JOINTS, 1), "mediapipe_pose", "half images"), "unit half images"),
    ],
)
def test_what_does_not_fit_is_refused_at_once(video: Path, needs: Needs, message: str) -> None:
    with pytest.raises(ClipError, match=re.escape(message)):
        pose.footage(pose.get(), video, needs)
    assert not (video.parent / "arguments").exists()


def test_no_video_and_no_estimator(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="no video at"):
        pose.footage(pose.get(), tmp_path / "a.mp4", PLANE)
    with pytest.raises(ConfigError, match="unknown pose estimator 'media'; .*Did you mean 'mediapipe'"):
        pose.get("media")


def test_without_the_library_it_says_what_to_install(tmp_path: Path) -> None:
    python = tmp_path / "python"
    # without site-packages
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    python.chmod(0o755)
    video = tmp_path / "a.mp4"
    video.touch()
    with pytest.raises(
        EnvironmentSetupError, match=r"cannot be imported in .*; pip install .mediapipe==0\.10\.21"
    ) as error:
        pose.footage(pose.get(python=str(python)), video, PLANE)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", pose.ESTIMATORS)
def test_every_estimator(name: str) -> None:
    estimator = pose.get(name)
    assert estimator.name == name
    assert Needs((2, Needs((2, JOINTS, 1), estimator.layout).skeleton().num_joints, 1), estimator.layout).skeleton()


def test_the_command_line_has_them_all() -> None:
    assert tuple(pose.ESTIMATORS) == predict.ESTIMATORS
    assert (*keypoints.FORMATS, clips.PLAIN) == predict.FORMATS


@pytest.fixture(scope="module")
def real_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second with two persons, one below the other, who drift to the right by two pixels a frame."""
    cv2 = pytest.importorskip("cv2")
    pytest.importorskip("mediapipe", reason="MediaPipe is not installed here")
    data = pytest.importorskip("skimage.data")
    person = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2BGR)
    path = tmp_path_factory.mktemp("video") / "two.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 20.0, (1024, 1024))
    for frame in range(10):
        picture = np.full((1024, 1024, 3), 128, np.uint8)
        picture[:512, 2 * frame : 512 + 2 * frame] = person
        picture[512:, 490 + 2 * frame : 1002 + 2 * frame] = person
        writer.write(picture)
    writer.release()
    return path


def test_the_real_one_finds_two_persons(real_video: Path) -> None:
    recorded = pose.get(persons=2).recorded(real_video)
    assert (recorded.frames, recorded.rate) == (10, 20.0)
    assert [sum(each.frame == frame for each in recorded.poses) for frame in range(10)] == [2] * 10
    # the nose is at (225, 130) of each picture; y is upward, and the landmarks lag a little
    noses = np.array([each.joints[0] for each in recorded.poses if each.frame == 9])
    noses = noses[np.argsort(noses[:, 0])]
    np.testing.assert_allclose(noses[:, :2], [[243, -130], [733, -642]], atol=12)
    assert (noses[:, 2] > 0.9).all()
    for each in recorded.poses:
        # metres: shoulders of a grown person, above the hips
        assert 0.2 < np.linalg.norm(each.world[11] - each.world[12]) < 0.5
        assert each.world[11, 1] > each.world[23, 1]


@pytest.mark.parametrize("needs", [PLANE, WORLD])
def test_the_real_one_makes_clips(real_video: Path, tmp_path: Path, needs: Needs) -> None:
    seen = pose.footage(pose.get(persons=needs.clip_shape[2]), real_video, needs, tmp_path / "two.json")
    clip = seen.clip()
    assert clip.shape == (3, 10, JOINTS, needs.clip_shape[2])
    assert np.isfinite(clip).all() and clip.any(axis=(0, 1, 2)).all()
    np.testing.assert_array_equal(clip, clips.opened(tmp_path / "two.json", needs).clip())


def test_the_real_one_refuses_what_is_no_video(real_video: Path, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    with pytest.raises(ClipError, match=r"a\.mp4 has no frame that OpenCV can read"):
        pose.get().recorded(tmp_path / "a.mp4")
