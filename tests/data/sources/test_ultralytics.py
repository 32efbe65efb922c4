"""Ultralytics' keypoints: its JSON and its text files are the same clip."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pytest
from damage import damaged
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctrgcn_plugin.data.prepare.source import Recording
from ctrgcn_plugin.data.sources import ultralytics
from ctrgcn_plugin.errors import ClipError

JOINTS = 17
WIDTH, HEIGHT = 640, 480
SIZE = f"{WIDTH}x{HEIGHT}"
# two persons who change places; nobody in frame 2
PLACES = [[1, 201], [202, 2], [], [4, 204]]


def points(x: float) -> np.ndarray:
    """(V, 2) in pixels, on a slope; the last joint was not found."""
    joints = np.stack([x + np.arange(JOINTS), 1 + np.arange(JOINTS) * 2], axis=1)
    joints[-1] = 0
    return joints


def person(x: float, track: Optional[int] = None, unit: tuple[float, float] = (1, 1)) -> dict[str, Any]:
    joints = points(x) / unit
    keypoints = {"x": joints[:, 0].tolist(), "y": joints[:, 1].tolist(), "visible": [0.5] * JOINTS}
    box = {"x1": 0, "y1": 0, "x2": 9, "y2": 9}
    more = {} if track is None else {"track_id": track}
    return {"name": "person", "class": 0, "confidence": 0.9, "box": box, **more, "keypoints": keypoints}


def line(x: float, *more: float, confidence: bool = True) -> str:
    """As ``save_txt`` writes it."""
    joints = points(x) / (WIDTH, HEIGHT)
    columns = [*joints.T, np.full(JOINTS, 0.5)][: 2 + confidence]
    values = [0, 0.1, 0.2, 0.3, 0.4, *np.stack(columns, axis=1).ravel(), *more]
    return ("%g " * len(values)).rstrip() % tuple(values)


def track(x: float) -> int:
    return int(x // 100)


JSONS = {
    "plain": [[person(x) for x in xs] for xs in PLACES],
    "tracked": [[person(x, track(x)) for x in xs] for xs in PLACES],
    "normalised": [[person(x, unit=(WIDTH, HEIGHT)) for x in xs] for xs in PLACES],
}
TEXTS = {
    "plain": [[line(x) for x in xs] for xs in PLACES],
    "with a confidence": [[line(x, 0.9) for x in xs] for xs in PLACES],
    "with both": [[line(x, 0.9, track(x)) for x in xs] for xs in PLACES],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "labels.csv").write_text("clip,label,split\na,wave,train\n")
    return tmp_path


def read(folder: Path, path: Path, **options):
    clips = ultralytics.source(folder / "raw", labels=folder / "labels.csv", image_size=SIZE, **options)
    return clips.read(Recording("a", 0, path))


def as_json(folder: Path, content: Any) -> Path:
    path = folder / "raw" / "a.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def as_texts(folder: Path, frames: list[list[str]]) -> Path:
    path = folder / "raw" / "labels"
    path.mkdir(parents=True, exist_ok=True)
    for number, lines in enumerate(frames, start=1):
        # nobody: no file
        if lines:
            (path / f"video_{number}.txt").write_text("\n".join(lines) + "\n")
    return path


def check(clip: np.ndarray) -> None:
    assert clip.shape == (3, 4, JOINTS, 2)
    clip = clip if clip[0, 0, 0, 0] < clip[0, 0, 0, 1] else clip[..., ::-1]
    trunk = np.linalg.norm(points(0)[5] - points(0)[11])
    np.testing.assert_allclose(np.diff(clip[0, :, :-1], axis=0), 1 / trunk, atol=1e-4)
    np.testing.assert_allclose(clip[0, :, :-1, 1] - clip[0, :, :-1, 0], 200 / trunk, rtol=1e-4)
    np.testing.assert_allclose(np.diff(clip[1, :, :-1], axis=1), -2 / trunk, rtol=1e-3)
    np.testing.assert_array_equal(clip[2, :, 0], [[0.5] * 2, [0.5] * 2, [0] * 2, [0.5] * 2])
    assert not clip[2, :, -1].any()


@pytest.mark.parametrize("form", JSONS)
def test_json(folder: Path, form: str) -> None:
    check(read(folder, as_json(folder, JSONS[form]), persons=2, confidence=True).clip)


@pytest.mark.parametrize("form", TEXTS)
def test_texts(folder: Path, form: str) -> None:
    check(read(folder, as_texts(folder, TEXTS[form]), persons=2, confidence=True).clip)


def test_without_confidence_of_joints(folder: Path) -> None:
    frames = [[line(x, confidence=False) for x in xs] for xs in PLACES]
    clip = read(folder, as_texts(folder, frames), persons=2, confidence=True).clip
    assert set(np.unique(clip[2])) == {0, 1}


def test_clips_are_files_and_folders(folder: Path) -> None:
    as_json(folder, JSONS["plain"])
    as_texts(folder, TEXTS["plain"])
    clips = ultralytics.source(folder / "raw", labels=folder / "labels.csv", image_size=SIZE)
    assert clips.left_out() == {"labels": "not in labels.csv"}
    assert (clips.describe().layout, clips.describe().unit) == ("coco", "trunks")


@pytest.mark.parametrize("form", ["normalised", "texts"])
def test_without_the_size_bodies_have_no_proportions(folder: Path, form: str) -> None:
    path = as_texts(folder, TEXTS["plain"]) if form == "texts" else as_json(folder, JSONS[form])
    clips = ultralytics.source(folder / "raw", labels=folder / "labels.csv")
    with pytest.raises(ClipError, match="shares of a picture's width and height; give those with --image_size"):
        clips.read(Recording("a", 0, path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "no list with a list of the persons in each frame"),
        ([3], "no list with a list"),
        ([[3]], r"person 0 \(from 0\) has no 'keypoints'"),
        ([[{"keypoints": []}]], "something else than an object as 'keypoints'"),
        ([[{"keypoints": {"x": [1], "y": [1, 2]}}]], "x, y and visible are not as many"),
        ([[{"keypoints": {"x": [1, 2], "y": [1, 2]}}]], "2 keypoints where layout 'coco' has 17"),
        ([[{**person(1), "track_id": "a"}]], "something else than a whole number as 'track_id'"),
        ([[]], "has nobody in any of its"),
    ],
)
def test_mistakes_in_json(folder: Path, content: Any, message: str) -> None:
    with pytest.raises(ClipError, match=message) as error:
        read(folder, as_json(folder, content))
    assert "\n" not in str(error.value) and "a.json" in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 1 2", "line 1 has 3 numbers; 5 and x, y, confidence of 17 joints are needed"),
        (line(1) + "\nwho knows", "line 2 has something else than numbers"),
        ("\xff", "something else than numbers"),
    ],
)
def test_mistakes_in_texts(folder: Path, text: str, message: str) -> None:
    path = as_texts(folder, TEXTS["plain"])
    (path / "video_2.txt").write_text(text, encoding="utf-8")
    with pytest.raises(ClipError, match=message) as error:
        read(folder, path)
    assert str(path / "video_2.txt") in str(error.value)


@pytest.mark.parametrize(("name", "message"), [("a.txt", "no frame number"), ("b_01.txt", "frame number of")])
def test_names_without_order(folder: Path, name: str, message: str) -> None:
    path = as_texts(folder, TEXTS["plain"])
    (path / name).write_text("")
    with pytest.raises(ClipError, match=message):
        read(folder, path)


@given(damaged(JSONS))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_in_a_file(folder: Path, content: Any) -> None:
    try:
        clip, _ = read(folder, as_json(folder, content), persons=2)
    except ClipError as error:
        assert "\n" not in str(error)
    else:
        assert (len(clip), *clip.shape[2:]) == (2, JOINTS, 2)
        assert np.isfinite(clip).all()


@given(st.one_of(st.text(max_size=60), st.lists(st.floats(), max_size=60).map(lambda row: " ".join(map(str, row)))))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_in_a_line(folder: Path, text: str) -> None:
    path = as_texts(folder, TEXTS["plain"])
    (path / "video_2.txt").write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        clip, _ = read(folder, path, persons=2)
    except ClipError as error:
        assert "\n" not in str(error)
    else:
        assert np.isfinite(clip).all()
