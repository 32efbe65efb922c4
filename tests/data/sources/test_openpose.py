"""OpenPose's folders: read as its documentation says, whatever is in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.prepare.source import Recording
from ctrgcn_plugin.data.sources import openpose
from ctrgcn_plugin.errors import ClipError, ConfigError

JOINTS = 18


def person(x: float = 0, joints: int = JOINTS, confidence: float = 0.5) -> list[float]:
    """x, y, confidence of each joint: on a slope downward in the picture, from (x, 0) to (x + V - 1, V - 1)."""
    return [value for joint in range(joints) for value in (x + joint, joint, confidence)]


def frame(*people: list[float], key: str = "pose_keypoints_2d") -> dict[str, Any]:
    return {
        "version": 1.3,
        "people": [{"person_id": [-1], key: keypoints, "face_keypoints_2d": []} for keypoints in people],
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "labels.csv").write_text("clip,label,split\na,wave,train\nmore/b,wave,val\n")
    write(tmp_path, [frame(person())], clip="more/b")
    return tmp_path


def write(folder: Path, frames: list[Any], clip: str = "a", start: int = 0) -> Path:
    path = folder / "raw" / clip
    path.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(frames, start):
        (path / f"v_{number:012}_keypoints.json").write_text(json.dumps(content))
    return path


def source(folder: Path, **options):
    return openpose.source(folder / "raw", labels=folder / "labels.csv", **options)


def read(folder: Path, frames: list[Any], **options):
    path = write(folder, frames)
    return source(folder, **options).read(Recording("a", 0, path))


@pytest.mark.parametrize("key", ["pose_keypoints_2d", "pose_keypoints"])
def test_a_clip(folder: Path, key: str) -> None:
    clip, notes = read(folder, [frame(person(x), key=key) for x in (5, 6)])
    layout = layouts.get("openpose")
    points = np.array([np.array(person(x)).reshape(-1, 3)[:, :2] * (1, -1) for x in (5, 6)])
    expected = layout.normalise(points.transpose(2, 0, 1)[..., None], scale=True, coordinates=2)
    assert clip.shape == (2, 2, JOINTS, 1)
    np.testing.assert_allclose(clip, expected, atol=1e-5)
    # the first joint is the highest in the picture
    assert (clip[1, :, 0] > clip[1, :, -1]).all()
    assert not notes


def test_what_is_offered(folder: Path) -> None:
    write(folder, [frame(), frame(person())])
    write(folder, [frame()], clip="unnamed.1")
    clips = source(folder, persons=2, confidence=True)
    description = clips.describe()
    assert (description.layout, description.coordinates, description.persons) == ("openpose", 3, 2)
    assert description.unit == "trunks"
    ((train,), (val,)) = clips.protocols()["split"].values()
    assert (train.name, train.file) == ("a", folder / "raw" / "a")
    assert (val.name, val.file) == ("more/b", folder / "raw" / "more" / "b")
    assert clips.left_out() == {"unnamed.1": "not in labels.csv"}


@pytest.mark.parametrize(("joints", "layout"), [(18, "openpose"), (25, "body_25")])
def test_the_layout_is_that_of_the_model(folder: Path, joints: int, layout: str) -> None:
    write(folder, [frame(), frame([]), frame(person(joints=joints))])
    assert source(folder).describe().layout == layout


def test_the_layout_of_another_model_has_to_be_named(folder: Path) -> None:
    write(folder, [frame(person(joints=17))])
    with pytest.raises(ConfigError, match=r"a person has 17 keypoints; .* 18 \(openpose\) and 25 \(body_25\)"):
        source(folder)
    clips = source(folder, layout="coco")
    assert clips.read(Recording("a", 0, folder / "raw" / "a")).clip.shape == (2, 1, 17, 1)
    with pytest.raises(ClipError, match="18 keypoints where layout 'coco' has 17 joints; openpose has as many"):
        clips.read(Recording("b", 0, folder / "raw" / "more" / "b"))


def test_nobody_in_any_clip(folder: Path) -> None:
    for clip in ("a", "more/b"):
        write(folder, [frame()], clip=clip)
    with pytest.raises(ConfigError, match="nobody is in any clip"):
        source(folder)


def test_a_joint_that_was_not_found_is_filled_and_keeps_no_confidence(folder: Path) -> None:
    seen, lost = person(), person()
    lost[3 * 4 : 3 * 5] = [0, 0, 0]
    clip, notes = read(folder, [frame(seen), frame(lost), frame(), frame(seen)], confidence=True)
    np.testing.assert_array_equal(clip[:2, 1], clip[:2, 0])
    np.testing.assert_array_equal(clip[:2, 2], clip[:2, 0])
    confidence = np.full((4, JOINTS), 0.5)
    confidence[1, 4] = confidence[2] = 0
    np.testing.assert_array_equal(clip[2, ..., 0], confidence)
    assert list(notes) == [f"{2 + 2 * JOINTS} values filled"]


def test_files_are_frames_in_the_order_of_their_numbers(folder: Path) -> None:
    path = folder / "raw" / "a"
    path.mkdir()
    for number in (2, 10, 8, 6, 4):
        (path / f"clip7_{number}_keypoints.json").write_text(json.dumps(frame(person(number))))
    clip, _ = source(folder).read(Recording("a", 0, path))
    np.testing.assert_allclose(np.diff(clip[0, :, 0, 0]), np.diff(clip[0, :, 0, 0])[0], rtol=1e-4)
    assert clip.shape[1] == 5


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["x_keypoints.json"], "has no frame number"),
        (["a_1_keypoints.json", "b_1_keypoints.json"], "is frame 1, and so is"),
    ],
)
def test_names_without_order(folder: Path, names: list[str], message: str) -> None:
    path = folder / "raw" / "c"
    path.mkdir()
    for name in names:
        (path / name).write_text(json.dumps(frame(person())))
    write(folder, [frame(person())])
    with pytest.raises(ClipError, match=message):
        source(folder).read(Recording("c", 0, path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "has no 'people'"),
        ({"people": {}}, "something else than a list as 'people'"),
        ({"people": [3]}, r"person 0 \(from 0\) has no 'pose_keypoints_2d'"),
        (frame(person(), person()[:-1]), r"person 1 \(from 0\) has keypoints of shape \(53,\)"),
        (frame([[1, 2, 3]]), "has keypoints of shape"),
        (frame(["1", "2", "3"]), "no numbers"),
        (frame([1, None, 3]), "no numbers"),
        (frame([10**400, 2, 3]), "no numbers"),
        (frame([[1], [2, 3]]), "no numbers"),
        (frame([float("inf"), *person()[1:]]), "above 1e"),
        (frame(person(joints=25)), "25 keypoints where layout 'openpose' has 18 joints; body_25"),
        (frame(person(confidence=0)), "has nobody in any of its"),
        (frame(), "has nobody in any of its"),
    ],
)
def test_mistakes_are_named(folder: Path, content: Any, message: str) -> None:
    with pytest.raises(ClipError, match=message) as error:
        read(folder, [content], layout="openpose")
    assert str(folder / "raw" / "a") in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 100_000, b'{"people": [' + b"9" * 5000 + b"]}"])
def test_what_is_no_json(folder: Path, text: bytes) -> None:
    path = write(folder, [frame(person())], start=1)
    (path / "v_000000000000_keypoints.json").write_bytes(text)
    with pytest.raises(ClipError, match=r"v_0+_keypoints\.json") as error:
        source(folder, layout="openpose").read(Recording("a", 0, path))
    assert "\n" not in str(error.value)


leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2), st.floats(), st.just(10**30), st.just("a"), st.just([])
)
keypoints = st.lists(st.floats(-1, 9), min_size=3 * JOINTS, max_size=3 * JOINTS)
people = st.fixed_dictionaries({"pose_keypoints_2d": st.one_of(keypoints, leaves, st.lists(leaves, max_size=3))})
contents = st.one_of(
    leaves, st.fixed_dictionaries({"people": st.one_of(leaves, st.lists(st.one_of(people, leaves), max_size=3))})
)


@given(st.lists(contents, min_size=1, max_size=3), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_in_a_file(folder: Path, frames: list[Any], confidence: bool) -> None:
    try:
        clip, _ = read(folder, frames, layout="openpose", persons=2, confidence=confidence)
    except ClipError as error:
        assert "\n" not in str(error)
    else:
        assert (len(clip), *clip.shape[2:]) == (2 + confidence, JOINTS, 2)
        assert np.isfinite(clip).all()
