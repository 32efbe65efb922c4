"""What all formats of one's own clips share: the list against the folder, and a clip from poses to training data."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path

import numpy as np
import pytest

from ctrgcn_plugin.data.prepare.formats import FORMATS
from ctrgcn_plugin.data.sources import coco, mediapipe, openpose, plain, ultralytics
from ctrgcn_plugin.errors import ClipError, ConfigError

JOINTS = 17
LEFT_SHOULDER, LEFT_HIP, RIGHT_HIP = 5, 11, 12


def body(frames: int = 4, dimensions: int = 2) -> np.ndarray:
    """(T, V, C): joints 0 to 16 of COCO at whole numbers; the trunk 6 long, the middle of the hips at (11.5, 4)."""
    joints = np.zeros((frames, JOINTS, dimensions))
    joints[..., 0] = np.arange(JOINTS)
    joints[:, 11:13, 1] = 4
    joints[:, 5:7, 1] = 4
    joints[..., 0] += np.arange(frames)[:, None] / 4
    return joints


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    for name in ("a.npy", "b.npy", "deeper/c.npy", "spare.npy"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(folder / name, body())
    return folder


def source(raw: Path, rows: str = "a,wave,train,1\nb.npy,jump,val,2\ndeeper/c,wave,train,1\n", **options):
    # among the clips, and with the suffix of one
    labels = raw / "labels.csv"
    labels.write_text("clip,label,split,subject\n" + rows)
    return plain.source(raw, labels=labels, layout="coco", **options)


def test_what_the_list_says_is_offered(raw: Path) -> None:
    clips = source(raw, persons=2)
    description = clips.describe()
    assert (description.name, description.layout, description.classes) == ("raw", "coco", ["jump", "wave"])
    assert (description.coordinates, description.persons, description.unit) == (2, 2, "trunks")
    (protocol,) = clips.protocols().values()
    told = {split: [(row.name, row.label, row.file, row.subject) for row in rows] for split, rows in protocol.items()}
    assert told == {
        "train": [("a", 1, raw / "a.npy", "1"), ("deeper/c", 1, raw / "deeper" / "c.npy", "1")],
        "val": [("b.npy", 0, raw / "b.npy", "2")],
    }
    assert clips.left_out() == {"spare.npy": "not in labels.csv"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,wave,train,1\nbb,wave,train,1\n", "line 3: no clip 'bb' in .*; did you mean 'b'"),
        ("zzzz,wave,train,1\n", "line 2: no clip 'zzzz' in .*; it has 'a.npy' and the like"),
        ("../raw/a,wave,train,1\n", "no clip '../raw/a'"),
        ("a,wave,train,1\na.npy,wave,val,1\n", "line 3: clip 'a.npy' is the same as that of line 2"),
    ],
)
def test_a_clip_that_is_not_there_does_not_go_unnoticed(raw: Path, rows: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        source(raw, rows).protocols()


def test_a_name_of_two_clips(raw: Path) -> None:
    (raw / "a.csv").write_text("")
    with pytest.raises(ConfigError, match=r"clip 'a' may be a\.csv or a\.npy; add the suffix"):
        source(raw)


@pytest.mark.parametrize(("name", "message"), [("nowhere", "no folder of clips at"), ("empty", "no clip in")])
@pytest.mark.parametrize("form", ["plain", "openpose"])
def test_no_clips(tmp_path: Path, form: str, name: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    labels = tmp_path / "labels.csv"
    labels.write_text("clip,label,split\na,wave,train\n")
    with pytest.raises(ConfigError, match=message):
        FORMATS[form].source(tmp_path / name, {"labels": labels, "layout": "coco" if form == "plain" else None})


def test_persons(raw: Path) -> None:
    with pytest.raises(ConfigError, match="--persons must be at least 1, got 0"):
        source(raw, persons=0)


def read(raw: Path, clip: np.ndarray, **options):
    np.save(raw / "a.npy", clip)
    clips = pickle.loads(pickle.dumps(source(raw, "a,wave,train,1\n", **options)))
    return clips.read(clips.protocols()["split"]["train"][0])


def test_2d_is_in_trunks_from_the_middle_of_the_hips(raw: Path) -> None:
    clip, notes = read(raw, body(), persons=2)
    assert clip.shape == (2, 4, JOINTS, 2)
    assert clip.dtype == np.float32
    expected = (body() - (11.5, 4)) / 6
    np.testing.assert_allclose(clip[..., 0], expected.transpose(2, 0, 1), atol=1e-6)
    assert not clip[..., 1].any()
    assert not notes


def test_3d_keeps_its_unit(raw: Path) -> None:
    clip, _ = read(raw, body(dimensions=3))
    np.testing.assert_allclose(clip[..., 0], (body(dimensions=3) - (11.5, 4, 0)).transpose(2, 0, 1), atol=1e-6)


def test_gaps_are_filled_and_told(raw: Path) -> None:
    # half a joint that was seen counts as none
    joints = body()
    joints[1, 0] = np.nan
    joints[2, 3, 0] = np.nan
    clip, notes = read(raw, joints)
    np.testing.assert_allclose(clip, read(raw, body())[0], atol=1e-6)
    assert list(notes) == ["4 values filled"]


def test_frames_without_anybody_are_left_out(raw: Path) -> None:
    joints = np.concatenate([np.full((3, JOINTS, 2), np.nan), body(), np.zeros((2, JOINTS, 2))])
    clip, notes = read(raw, joints)
    np.testing.assert_array_equal(clip, read(raw, body())[0])
    assert list(notes) == ["5 frames without anybody left out"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "has nobody in any of its frames"),
        (0, "has nobody in any of its frames"),
        (np.inf, "above 1e"),
        (1e12, r"above 1e.* frame 0"),
        (3, "trunk"),
    ],
)
def test_clips_that_cannot_be_used(raw: Path, value: float, message: str) -> None:
    with pytest.raises(ClipError, match=message) as error:
        read(raw, np.full((2, JOINTS, 2), value))
    assert "a.npy" in str(error.value)


def test_a_trunk_too_short_to_measure_by(raw: Path) -> None:
    joints = body()
    joints[:, 5:7] = joints[:, 11:13] + 1e-12
    with pytest.raises(ClipError, match=r"a\.npy has coordinates above"):
        read(raw, joints)


@pytest.mark.parametrize("module", [plain, openpose, coco, mediapipe, ultralytics])
def test_the_command_line_has_all_options(module) -> None:
    form = FORMATS[module.__name__.rpartition(".")[2]]
    assert ["raw", *(option.flag[2:] for option in form.options)] == list(inspect.signature(module.source).parameters)
