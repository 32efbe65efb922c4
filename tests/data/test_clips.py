"""Which files a user's inputs name, and clips of every format as one model takes them."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from ctrgcn_plugin.data import clips, ntu
from ctrgcn_plugin.data.footage import Needs
from ctrgcn_plugin.data.sample import check_clip
from ctrgcn_plugin.errors import ClipError

SHAPE = (3, 25, 2)  # C, V, M


def skeleton(frames: int, bodies: int) -> str:
    """As NTU writes it; in frame t, body b has joint v at (t, v, b)."""
    lines = [str(frames)]
    for t in range(frames):
        lines.append(str(bodies))
        for b in range(bodies):
            lines += [f"{b} 0 1 1 1 1 0 0 0 2", "25", *(f"{t} {v} {b} 0 0 0 0 0 0 0 0 2" for v in range(25))]
    return "\n".join(lines) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Clips, and what is none."""
    folder = tmp_path / "clips"
    (folder / "inner.npy").mkdir(parents=True)
    for name in ("b.npy", "a.npy"):
        np.save(folder / name, np.ones((3, 4, 25, 2), np.float32))
    (folder / "c.skeleton").write_text(skeleton(20, 2))
    (folder / "notes.md").touch()
    return folder


def refused(function, *arguments) -> str:
    with pytest.raises(ClipError) as caught:
        function(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_files_are_taken_in_the_order_given(folder):
    inputs = [folder / "c.skeleton", str(folder / "a.npy"), folder / "c.skeleton"]
    assert clips.clip_files(inputs) == [Path(path) for path in inputs]
    assert clips.clip_files([]) == []


def test_a_folder_gives_its_clips_by_name(folder):
    assert clips.clip_files([folder]) == [folder / name for name in ("a.npy", "b.npy", "c.skeleton")]


def test_a_list_gives_its_lines(folder, monkeypatch):
    listed = folder.parent / "list.txt"
    lines = ("# three of them", "", "  clips/b.npy  ", "#clips/a.npy", str(folder / "c.skeleton"), "clips/a.npy#2")
    listed.write_text("\n".join(lines), encoding="utf-8-sig")
    assert clips.clip_files([listed]) == [folder / name for name in ("b.npy", "c.skeleton", "a.npy#2")]
    monkeypatch.chdir(folder)
    assert clips.clip_files(["../list.txt", "a.npy"]) == [
        *(Path("../clips/b.npy"), folder / "c.skeleton", Path("../clips/a.npy#2")),
        Path("a.npy"),
    ]


def test_a_suffix_in_capitals_is_the_same(folder):
    (folder / "a.npy").rename(folder / "Z.NPY")
    assert folder / "Z.NPY" in clips.clip_files([folder])
    assert clips.read(folder / "Z.NPY", SHAPE).shape == (3, 4, 25, 2)


def test_inputs_that_name_no_clip(folder, tmp_path):
    assert "no clip at" in refused(clips.clip_files, [folder / "a.npy", folder / "none.npy"])
    assert ".npy, .skeleton or .json" in refused(clips.clip_files, [folder / "notes.md"])
    (tmp_path / "empty").mkdir()
    assert "is empty" in refused(clips.clip_files, [tmp_path / "empty"])
    for index in range(9):
        (tmp_path / "empty" / f"{index}.csv").touch()
    assert "it has 0.csv, 1.csv, 2.csv, 3.csv, 4.csv, 5.csv, 6.csv, 7.csv, ..." in refused(
        clips.clip_files, [tmp_path / "empty"]
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"# a.npy\n\n", "names no clip"),
        (b"\na.npy\nnone.npy\n", "line 3: no clip at"),
        (b"inner.npy\n", "line 1: no clip at"),
        (b"none.npy#1\n", "line 1: no clip at"),
        (b"notes.md\n", "notes.md has no supported format; give a .npy, .skeleton or .json file"),
        (b"\x93NUMPY\xff", "cannot be read as text"),
    ],
)
def test_lists_that_cannot_be_used(folder, content, says):
    (folder / "list.txt").write_bytes(content)
    assert says in refused(clips.clip_files, [folder / "list.txt"])


def test_reads_every_format(folder):
    np.testing.assert_array_equal(clips.read(folder / "a.npy", SHAPE), np.ones((3, 4, 25, 2)))
    np.testing.assert_array_equal(clips.read(folder / "c.skeleton", SHAPE), ntu.read(folder / "c.skeleton"))


@pytest.mark.parametrize("suffix", [".npy", ".json"])
def test_keypoints_in_a_folder(tmp_path, suffix):
    """A .json is a clip unless there are arrays, beside which it may be anything; frames are one clip together."""
    for name in ("a" + suffix, "labels.json"):
        (tmp_path / name).touch()
    found = clips.clip_files([tmp_path])
    assert [path.name for path in found] == (["a.npy"] if suffix == ".npy" else ["a.json", "labels.json"])
    for name in ("b", "a"):
        (tmp_path / "frames" / name).mkdir(parents=True)
        (tmp_path / "frames" / name / "v_01_keypoints.json").touch()
    assert clips.clip_files([tmp_path / "frames" / "a"]) == [tmp_path / "frames" / "a"]
    assert clips.clip_files([tmp_path / "frames"]) == [tmp_path / "frames" / name for name in ("a", "b")]
    (tmp_path / "list.txt").write_text("frames/b\na.npy\n" if suffix == ".npy" else "frames/b\n")
    assert clips.clip_files([tmp_path / "list.txt"])[0] == tmp_path / "frames" / "b"


@pytest.mark.parametrize(("layout", "unit"), [("body_25", ""), ("ntu_rgb_d", "trunks"), ("", "half images")])
def test_a_skeleton_file_is_of_kinect_in_metres(folder, layout, unit):
    needs = Needs(SHAPE, layout, unit)
    assert "in metres; the model takes" in refused(clips.opened, folder / "c.skeleton", needs)


def test_a_model_for_one_person_gets_the_first(folder):
    one = clips.read(folder / "c.skeleton", (3, 25, 1))
    assert one.shape == (3, 20, 25, 1)
    np.testing.assert_array_equal(one, ntu.read(folder / "c.skeleton")[..., :1])


@pytest.mark.parametrize("shape", [(2, 25, 2), (3, 20, 2), (3, 25, 3)])
def test_a_skeleton_file_is_not_for_every_model(folder, shape):
    message = refused(clips.read, folder / "c.skeleton", shape)
    assert "25 joints" in message and f"the model takes {shape[0]}, {shape[1]} and {shape[2]}" in message


def test_what_cannot_be_read(folder):
    assert "give a .npy, .skeleton or .json file" in refused(clips.read, folder / "notes.md", SHAPE)
    assert "no clip at" in refused(clips.read, folder / "none.skeleton", SHAPE)
    assert "no clip at" in refused(clips.read, folder / "none.npy", SHAPE)


@pytest.mark.parametrize("dtype", ["int16", "uint8", "float64", "float16"])
def test_a_conversion_is_said(caplog, dtype):
    assert check_clip(np.ones((3, 4, 25, 2), dtype), SHAPE, "clip x").dtype == np.float32
    ((_, logged, text),) = caplog.record_tuples
    assert logged == logging.WARNING and text.startswith(f"clip x holds {dtype}, used as float32")
    assert ("unit of training data" in text) == ("int" in dtype)


def test_a_clip_of_float32_is_not_worth_a_word(caplog):
    caplog.set_level(logging.INFO)
    check_clip(np.ones((3, 4, 25, 2), np.float32), SHAPE, "clip x")
    assert not caplog.records
