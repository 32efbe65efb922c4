"""One JSON for each clip: every form of it is the same clip; whatever else is in a file is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from damage import damaged
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctrgcn_plugin.data.prepare.source import Recording
from ctrgcn_plugin.data.sources import coco
from ctrgcn_plugin.errors import ClipError

JOINTS = 17


def keypoints(x: float, confidence: float = 0.5) -> list[float]:
    """x, y, confidence of each joint, on a slope."""
    return [value for joint in range(JOINTS) for value in (x + joint, joint, confidence)]


def entry(image_id: Any, x: float, **more: Any) -> dict[str, Any]:
    return {"image_id": image_id, "category_id": 1, "keypoints": keypoints(x), "score": 0.9, **more}


def instance(x: float) -> dict[str, Any]:
    points = np.array(keypoints(x)).reshape(-1, 3)
    return {"keypoints": points[:, :2].tolist(), "keypoint_scores": points[:, 2].tolist(), "bbox": [[0, 0, 9, 9]]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "labels.csv").write_text("clip,label,split\na,wave,train\n")
    return tmp_path


def source(folder: Path, **options):
    return coco.source(folder / "raw", labels=folder / "labels.csv", **{"layout": "coco", **options})


def read(folder: Path, content: Any, **options):
    path = folder / "raw" / "a.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))
    return source(folder, **options).read(Recording("a", 0, path))


# two persons who change places in the list; nobody in frame 2
PLACES = [[0, 100], [101, 1], [], [3, 103]]
ENTRIES = [entry(t, x) for t, people in enumerate(PLACES) for x in people]
PICTURES = [{"frame_id": t + 1, "instances": [instance(x) for x in people]} for t, people in enumerate(PLACES)]
FORMS = {
    "COCO's results": ENTRIES,
    "in another order": ENTRIES[::-1],
    "COCO's ground truth": {"images": [], "annotations": ENTRIES, "categories": []},
    "AlphaPose": [entry(f"{t}.jpg", x, idx=0) for t, people in enumerate(PLACES) for x in people],
    "AlphaPose with tracks": [
        entry(f"{t}.jpg", x, idx=[float(x // 50)]) for t, people in enumerate(PLACES) for x in people
    ],
    "PoseTrack": {"annotations": [entry(10000 + t, x, track_id=x // 50) for t, xs in enumerate(PLACES) for x in xs]},
    "mmpose": PICTURES,
    "mmpose's demos": {"meta_info": {}, "instance_info": PICTURES},
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(folder: Path, form: str) -> None:
    clip, _ = read(folder, FORMS[form], persons=2, confidence=True)
    assert clip.shape == (3, 4, JOINTS, 2)
    # everybody one to the right in a frame, 100 apart, in trunks; y is upward
    trunk = 6 * np.sqrt(2)
    one, other = (0, 1) if clip[0, 0, 0, 0] < clip[0, 0, 0, 1] else (1, 0)
    np.testing.assert_allclose(np.diff(clip[0], axis=0), 1 / trunk, rtol=1e-4)
    np.testing.assert_allclose(clip[0, ..., other] - clip[0, ..., one], 100 / trunk, rtol=1e-5)
    np.testing.assert_allclose(np.diff(clip[1], axis=1), -1 / trunk, rtol=1e-4)
    np.testing.assert_array_equal(clip[2, :, 0], [[0.5] * 2, [0.5] * 2, [0] * 2, [0.5] * 2])


def test_what_is_offered(folder: Path) -> None:
    (folder / "raw" / "deeper").mkdir(parents=True)
    for name in ("a.json", "deeper/b.JSON", "notes.txt"):
        (folder / "raw" / name).write_text("[]")
    clips = source(folder)
    assert (clips.describe().coordinates, clips.describe().layout) == (2, "coco")
    assert clips.left_out() == {"deeper/b.JSON": "not in labels.csv"}


def test_the_first_of_two_persons(folder: Path) -> None:
    clip, notes = read(folder, ENTRIES)
    assert clip.shape == (2, 4, JOINTS, 1)
    assert "3 poses of other persons left out" in notes


def test_other_layouts(folder: Path) -> None:
    with pytest.raises(ClipError, match=r"entry 0 \(from 0\) has 17 keypoints where layout 'hand' has 21 joints; coco"):
        read(folder, ENTRIES, layout="hand")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (3, "has no 'annotations'"),
        ({"annotations": 3}, "something else than a list as 'annotations'"),
        ([], "has nobody in any of its"),
        ([3], r"entry 0 \(from 0\) has no 'keypoints'"),
        ([entry(0, 0), {"image_id": 1}], r"entry 1 \(from 0\) has no 'keypoints'"),
        ([{"keypoints": keypoints(0)}], "has no 'image_id'"),
        ([entry([], 0)], "something else than a whole number or a text as 'image_id'"),
        ([entry("first.jpg", 0)], "has picture 'first.jpg', which is or has no frame number"),
        ([entry("a1.jpg", 0), entry("b1.jpg", 0)], "'a1.jpg' and 'b1.jpg', both frame 1"),
        ([entry(0, 0), entry(10**9, 0), entry(10**9 + 1, 0)], "number them one by one"),
        ([entry(0, 0, keypoints=[1, 2])], r"keypoints of shape \(2,\)"),
        ([entry(0, 1e300)], "above 1e"),
        ([entry(0, 0, idx={})], "no number or name as 'idx'"),
        ([{"frame_id": 0, "instances": [{"keypoints": [[1, 2]]}]}], "instance 0 has no 'keypoint_scores'"),
        ([{"frame_id": 0, "instances": [{"keypoints": [[1, 2, 3]], "keypoint_scores": [1]}]}], "2-D is needed"),
        ([{"frame_id": "0", "instances": []}], "something else than a whole number as 'frame_id'"),
    ],
)
def test_mistakes_are_named(folder: Path, content: Any, message: str) -> None:
    with pytest.raises(ClipError, match=message) as error:
        read(folder, content)
    assert str(folder / "raw" / "a.json") in str(error.value)
    assert "\n" not in str(error.value)


@given(damaged(FORMS), st.booleans())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_in_a_file(folder: Path, content: Any, confidence: bool) -> None:
    try:
        clip, _ = read(folder, content, persons=2, confidence=confidence)
    except ClipError as error:
        assert "\n" not in str(error)
    else:
        assert (len(clip), *clip.shape[2:]) == (2 + confidence, JOINTS, 2)
        assert np.isfinite(clip).all()


WHOLE = json.dumps(ENTRIES).encode()


@given(st.binary(max_size=40), st.integers(0, len(WHOLE) - 1))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_and_files_that_are_cut_off(folder: Path, content: bytes, length: int) -> None:
    path = folder / "raw" / "a.json"
    path.parent.mkdir(exist_ok=True)
    for damage in (content, WHOLE[:length]):
        path.write_bytes(damage)
        with pytest.raises(ClipError, match=r"a\.json"):
            source(folder).read(Recording("a", 0, path))
