"""A mended copy has what was wrong and could be put right put right, and is otherwise the original."""

from __future__ import annotations

import csv
import json
import pickle
import resource
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from stick_figures import C, V, good

from ctrgcn_plugin import cli
from ctrgcn_plugin.data import mend
from ctrgcn_plugin.data.check import check
from ctrgcn_plugin.data.prepared import Card, open_clips, read_labels
from ctrgcn_plugin.errors import ClipError

nan, inf = np.nan, np.inf


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def rising(frames: int = 30) -> np.ndarray:
    """(C, T, V, 2): the first person's coordinates are 1, 2, 3, ... by frame, and 5 padding frames follow."""
    clip = np.zeros((C, frames + 5, V, 2), np.float32)
    clip[:, :frames, :, 0] = np.arange(1, frames + 1)[:, None]
    return clip


def holes(where: tuple, value: float = nan, whole: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(the clip with `value` at `where`, the clip without)."""
    whole = rising() if whole is None else whole
    clip = whole.copy()
    clip[where] = value
    return clip, whole


two = rising()
two[..., 1] = two[..., 0] * 2
two_but_long_absent = two.copy()
two_but_long_absent[:, 2:28] = 0
absent_second = two.copy()
absent_second[:, 3:6, :, 1] = 0

every = slice(None)
MENDED = {
    "a joint for a while": (*holes((every, slice(4, 9), 2, 0)), "15 values filled"),
    "infinite in one coordinate": (*holes((1, 7, 0, 0), -inf), "1 values filled"),
    "nobody, as zeros": (*holes((every, slice(4, 9)), 0), "5 frames without the first person filled"),
    "nobody, as NaN": (
        *holes((every, slice(4, 9), every, 0)),
        "60 values filled",
    ),
    "two persons who are both away": (*holes((every, slice(4, 9)), 0, two), "5 frames without the first person filled"),
    "only the first is away": (
        *holes((every, slice(4, 9), every, 0), 0, two),
        "5 frames without the first person filled",
    ),
    "too long for a gap": (two_but_long_absent, two_but_long_absent, ""),
    "only the second is away": (absent_second, absent_second, ""),
    "the second is NaN throughout": (*holes((every, slice(0, 30), every, 1)), "360 values of nobody set to zero"),
    "nothing": (rising(), rising(), ""),
}


@pytest.mark.parametrize("case", MENDED)
def test_a_mended_clip(case):
    clip, expected, said = MENDED[case]
    before = clip.copy()
    result, what = mend.mended(clip)
    np.testing.assert_allclose(result, expected, rtol=1e-6)
    np.testing.assert_array_equal(clip, before)
    assert result.dtype == np.float32 and what == said


@settings(max_examples=50, deadline=None)
@given(
    arrays.arrays(
        np.float64,
        st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 3), st.integers(1, 2)),
        elements=st.sampled_from([0.0, 1.0, -2.5, 1e39, nan, inf]),
    )
)
def test_any_clip_is_finite_afterwards_and_keeps_what_was_seen(clip):
    result, _ = mend.mended(clip)
    assert np.isfinite(result).all()
    seen = np.isfinite(clip) & (np.abs(clip) < 1e38) & clip.any(axis=(0, 2))[None, :, None]
    np.testing.assert_array_equal(result[seen], clip[seen])


@pytest.fixture
def faulty(tmp_path):
    """Data with one of each: gaps, an empty clip, a single frame, far too little, a leak that stays."""
    data = good()
    data.train.clips = data.train.clips.astype(np.float64)
    data.train.clips[1, :, 2:4, 1, 0] = nan
    data.train.clips[2] = 0
    data.train.clips[3, :, 1:] = 0
    data.train.clips[4, :, 3:] = np.where(data.train.clips[4, :, 3:] == 0, 0, inf)
    data.val.clips[0, :, 2] = 0
    data.val.clips[2] = data.train.clips[7]
    data.report = "clip,subject\nS001C001P001R001A001,ann\n"
    data.card["options"] = {"denoise": True}
    return data, data.write(tmp_path / "data")


def test_the_copy_as_a_whole(faulty, tmp_path, capsys):
    data, folder = faulty
    out = tmp_path / "out"
    # the leak is told, and left for the user to decide on
    assert cli.main(["data", "check", str(folder), "--fix", str(out)]) == 1
    lines = capsys.readouterr().out.splitlines()
    changes = [
        ["xsub/train", "1", "S001C001P001R001A002", "6 values filled"],
        ["xsub/train", "2", "S001C001P001R001A003", "left out: all zero"],
        ["xsub/train", "3", "S001C001P001R001A004", "left out: a single frame"],
        ["xsub/train", "4", "S001C001P001R001A005", "left out: half of its values or more are missing"],
        ["xsub/val", "0", "S001C001P003R001A001", "1 frames without the first person filled"],
    ]
    for split, row, name, what in changes:
        assert f"  {name} ({split} row {row}): {what}" in lines
    with (out / mend.FIXES).open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [list(mend.COLUMNS), *changes]

    kept = [0, 1, *range(5, 10)]
    clips, labels = open_clips(out / "xsub/train_data.npy"), read_labels(out / "xsub/train_label.pkl")
    assert clips.dtype == np.float32 and np.isfinite(clips).all()
    np.testing.assert_array_equal(clips[2:], data.train.clips[5:].astype(np.float32))
    assert list(labels.names) == [data.train.names[row] for row in kept]
    assert labels.labels.tolist() == [data.train.labels[row] for row in kept]
    np.testing.assert_array_equal(open_clips(out / "xsub/val_data.npy")[1:], data.val.clips[1:])

    card, old = Card.read(out), Card.read(folder)
    assert card.protocols == {"xsub": {"train": 7, "val": 5}} and card.options == {"denoise": True}
    assert (card.classes, card.frames, card.layout) == (old.classes, old.frames, old.layout)
    assert files_in(out) == files_in(folder) | {mend.FIXES}
    for name in ("report.csv", "layout.yaml"):
        assert (out / name).read_bytes() == (folder / name).read_bytes()

    again = check(out)
    assert [finding.check for finding in again.problems] == ["leak"]
    assert not {"values", "empty", "one-frame", "gaps", "dtype"} & {finding.check for finding in again.findings}
    assert lines[-len(again.lines()) :] == again.lines()


def test_the_exit_status_is_that_of_the_copy(tmp_path, capsys):
    data = good()
    data.train.clips[6, :, 3, 2, 0] = nan
    folder = data.write(tmp_path / "data")
    assert cli.main(["data", "check", str(folder), "--json", "--fix", str(tmp_path / "out")]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [finding["check"] for finding in report["findings"]] == ["values"] and report["problems"] == 0
    assert report["mended"] == [
        {"split": "xsub/train", "row": 6, "name": "S001C001P002R001A002", "detail": "3 values filled"}
    ]
    assert report["after"]["findings"] == []


def test_data_without_a_card_labels_without_names_and_a_split_without_labels(tmp_path):
    data = good()
    data.train.clips[0] = 0
    data.left_out = ["dataset.yaml", "train_label.pkl", "val_label.pkl"]
    folder = data.write(tmp_path / "data") / "xsub"
    np.save(folder / "train_label.npy", data.train.labels)
    check(folder, fixed=tmp_path / "out")
    assert files_in(tmp_path / "out") == {"train_data.npy", "train_label.npy", "val_data.npy", mend.FIXES}
    assert read_labels(tmp_path / "out/train_label.npy").labels.tolist() == data.train.labels[1:]


def test_of_a_protocols_own_folder_the_card_comes_along(tmp_path):
    folder = good().write(tmp_path / "data")
    check(folder / "xsub", fixed=tmp_path / "out")
    assert files_in(tmp_path / "out") == files_in(folder) | {mend.FIXES}
    assert not check(tmp_path / "out").findings


@pytest.mark.parametrize("place", ["", "xsub", "new/deep", "../full", "../full/file"])
def test_refuses_a_place_for_the_copy(tmp_path, place):
    folder = good().write(tmp_path / "data")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    before = files_in(tmp_path)
    with pytest.raises(ClipError, match="the mended copy cannot go to"):
        check(folder, fixed=folder / place)
    assert files_in(tmp_path) == before


def no_clip_left(folder):
    np.save(folder / "train_data.npy", np.zeros((10, 3, 12, 4, 2), np.float32))


def half_a_file(folder):
    (folder / "val_data.npy").write_bytes((folder / "val_data.npy").read_bytes()[:-1])


def other_labels(folder):
    (folder / "val_label.pkl").write_bytes(pickle.dumps((["a"], [0])))


def no_labels_at_all(folder):
    (folder / "val_label.pkl").write_bytes(b"")


@pytest.mark.parametrize("spoil", [no_clip_left, half_a_file, other_labels, no_labels_at_all])
def test_refuses_data_that_cannot_be_mended(tmp_path, spoil):
    folder = good().write(tmp_path / "data")
    spoil(folder / "xsub")
    with pytest.raises(ClipError, match="no mended copy can be made: .*(train|val)_(data|label)"):
        check(folder, fixed=tmp_path / "out")
    assert not files_in(tmp_path / "out")


def test_a_copy_for_which_there_is_no_room_is_no_copy(tmp_path):
    folder = good().write(tmp_path / "data")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    room = (folder / "xsub" / "train_data.npy").stat().st_size - 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        with pytest.raises(ClipError, match=r"the mended copy in .* cannot be written: .*File too large"):
            check(folder, fixed=tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not files_in(tmp_path / "out")
