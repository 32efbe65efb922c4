"""Preparation of any source: what is written, what is told, and what an interrupted one leaves."""

from __future__ import annotations

import csv
import multiprocessing
import os
import pickle
import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from ctrgcn_plugin.data.prepare import run, store
from ctrgcn_plugin.data.prepare.source import Description, Reading, Recording
from ctrgcn_plugin.data.prepared import CARD, REPORT, Card, read_labels
from ctrgcn_plugin.errors import ClipError, ConfigError, UserError

FORK = multiprocessing.get_context("fork")
CLIPS = 40
DESCRIPTION = Description("made", "stick.yaml", 2, 2, "pixels", ("wave", "jump"), {"persons": 2})
LAYOUT = "name: stick\njoints: {hip: null, chest: hip, head: chest}\n"


@dataclass(frozen=True)
class Folder:
    """``.npy`` clips in a folder, (2, T, 3, 2). What it reads is logged; files beside the clips make it misbehave."""

    raw: Path
    pause: float = 0
    options: Mapping[str, object] = field(default_factory=lambda: {"persons": 2})
    named: tuple[str, ...] = ("half", "all")

    def describe(self) -> Description:
        return replace(DESCRIPTION, layout=str(self.raw / "stick.yaml"), options=self.options)

    def protocols(self) -> dict[str, dict[str, list[Recording]]]:
        files = sorted(self.raw.glob("*.npy"))
        every = [Recording(file.stem, number % 2, file, subject="P1") for number, file in enumerate(files)]
        protocols = {"all": {"train": every[::-1], "val": []}, "half": {"train": every[::2], "val": every[1::2]}}
        return {name: protocols[name] for name in self.named}

    def left_out(self) -> dict[str, str]:
        return {str(self.raw / "notes.txt"): "no clip"}

    def read(self, recording: Recording) -> Reading:
        with (self.raw / "log").open("a") as log:
            log.write(f"{recording.name} {os.getpid()}\n")
        time.sleep(self.pause)
        if (self.raw / f"{recording.name}.dies").exists():
            os._exit(3)
        if (self.raw / f"{recording.name}.interrupts").exists():
            raise KeyboardInterrupt
        try:
            return Reading(np.load(recording.file), [f"note of {recording.name}"])
        except ValueError as error:
            raise ClipError(f"clip {recording.file} is damaged: {error}") from error

    def log(self) -> list[str]:
        return [line.split()[0] for line in (self.raw / "log").read_text().splitlines()]


def clip(rng: np.random.Generator, frames: int, persons: int = 2) -> np.ndarray:
    values = rng.normal(size=(2, frames, 3, 2)).astype(np.float32)
    values[..., persons:] = 0
    return values


@pytest.fixture
def folder(tmp_path) -> Folder:
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "stick.yaml").write_text(LAYOUT)
    rng = np.random.default_rng(0)
    for number in range(CLIPS):
        np.save(raw / f"clip{number:02}.npy", clip(rng, int(rng.integers(1, 9)), int(rng.integers(1, 3))))
    return Folder(raw)


def expected(clips: list[np.ndarray], frames: int) -> np.ndarray:
    """The slow plain form: all clips in one array."""
    rows = np.zeros((len(clips), 2, frames, 3, 2), np.float32)
    for row, values in zip(rows, clips):
        row[:, : values.shape[1]] = values
    return rows


def tree(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def prepare(folder: Folder, out: Path, workers: int = 1) -> run.Outcome:
    return run.prepare(folder, out, workers=workers, progress=False)


def refused(kind: type[Exception], *arguments, **settings) -> str:
    with pytest.raises(kind) as caught:
        prepare(*arguments, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("workers", [1, 2])
def test_arrays_labels_card_and_report(folder, tmp_path, workers):
    out = tmp_path / "new" / "out"
    outcome = prepare(folder, out, workers)
    frames = max(np.load(file).shape[1] for file in folder.raw.glob("*.npy"))
    for protocol, splits in folder.protocols().items():
        for split, rows in splits.items():
            data = np.load(out / protocol / f"{split}_data.npy")
            assert data.dtype == np.float32
            np.testing.assert_array_equal(data, expected([np.load(row.file) for row in rows], frames))
            labels = read_labels(out / protocol / f"{split}_label.pkl")
            assert [*labels.names] == [row.name for row in rows] and [*labels.labels] == [row.label for row in rows]
            names, _ = pickle.loads((out / protocol / f"{split}_label.pkl").read_bytes())
            assert names.dtype.kind == "S"
    counts = {"half": {"train": 20, "val": 20}, "all": {"train": 40, "val": 0}}
    assert (
        Card.read(out)
        == outcome.card
        == Card("made", "layout.yaml", 2, 2, frames, "pixels", ["wave", "jump"], counts, {"persons": 2})
    )
    assert (out / "layout.yaml").read_text() == LAYOUT
    with (out / REPORT).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == CLIPS + 1 and sorted(row["clip"] for row in rows if row["outcome"] == "kept") == [
        f"clip{number:02}" for number in range(CLIPS)
    ]
    first, last = next(row for row in rows if row["clip"] == "clip01"), rows[-1]
    assert first["notes"] == "note of clip01" and first["subject"] == "P1" and first["label"] == "1"
    assert int(first["frames"]) == np.load(folder.raw / "clip01.npy").shape[1]
    assert (last["clip"], last["outcome"], last["notes"]) == ("notes", "left out", "no clip")
    # each file once, though it is in two protocols
    assert sorted(folder.log()) == [f"clip{number:02}" for number in range(CLIPS)]
    assert set(tree(out)) == {CARD, REPORT, "layout.yaml"} | {
        f"{protocol}/{split}_{file}"
        for protocol in counts
        for split in ("train", "val")
        for file in ("data.npy", "label.pkl")
    }


def test_a_row_is_written_as_numpy_saves_it(folder, tmp_path):
    prepare(folder, tmp_path / "out")
    saved = tmp_path / "saved.npy"
    np.save(saved, np.load(tmp_path / "out/half/val_data.npy"))
    assert saved.read_bytes() == (tmp_path / "out/half/val_data.npy").read_bytes()


def test_damaged_clips_are_left_out_and_told(folder, tmp_path):
    for number in (3, 4):
        (folder.raw / f"clip0{number}.npy").write_bytes(b"no array")
    np.save(folder.raw / "clip05.npy", np.full((2, 4, 3, 2), np.inf, np.float32))
    np.save(folder.raw / "clip06.npy", np.zeros((2, 0, 3, 2), np.float32))
    gap = np.ones((2, 4, 3, 2), np.float32)
    gap[0, 1:3, 0, 1] = np.nan
    np.save(folder.raw / "clip07.npy", gap)
    outcome = prepare(folder, tmp_path / "out")
    assert outcome.clips == CLIPS - 4
    assert outcome.card.protocols["half"] == {"train": 18, "val": 18}
    lines = outcome.lines()
    assert lines[0].startswith("made: 36 clips, the longest of 8 frames") and "  all: 36 train, 0 val" in lines
    assert lines[3:-1] == ["left out: 5", "  2: is damaged", *lines[5:-1]]
    assert set(lines[5:-1]) == {"  1: no clip", "  1: has infinite values", "  1: has no frames"}
    report = (tmp_path / "out" / REPORT).read_text()
    assert "NaN in 2 frames; ctrgcn data check --fix fills gaps" in report
    assert report.count(",left out,") == 5 and "is damaged: " in report
    row = [*read_labels(tmp_path / "out/all/train_label.pkl").names].index("clip07")
    np.testing.assert_array_equal(np.load(tmp_path / "out/all/train_data.npy")[row, :, :4], gap)


def test_many_reasons_are_not_all_told(tmp_path, folder):
    card = prepare(folder, tmp_path / "out").card
    lines = run.Outcome(tmp_path, card, 40, {f"reason {i}": 100 - i for i in range(11)}).lines()
    assert "  100: reason 0" in lines and lines[-2] == "  273: other reasons"


BAD = {
    "another shape": (lambda raw: np.save(raw / "clip09.npy", np.zeros((2, 5, 4, 2))), ["clip09", "(2, 5, 4, 2)"]),
    "nothing left": (
        lambda raw: [path.write_bytes(b"no array") for path in raw.glob("*.npy")],
        ["no clip is left of 40", "is damaged"],
    ),
    "no recordings": (lambda raw: [path.unlink() for path in raw.glob("*.npy")], ["none of the files", "no clip"]),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("workers", [1, 2])
def test_refuses_a_data_set(folder, tmp_path, case, workers):
    make, says = BAD[case]
    make(folder.raw)
    message = refused(ClipError, folder, tmp_path / "out", workers)
    assert all(part in message for part in says), message
    assert not (tmp_path / "out" / CARD).exists()


def test_a_training_needs_a_test(folder, tmp_path):
    assert refused(ClipError, replace(folder, named=("all",)), tmp_path / "out") == (
        "made: no protocol has clips on both sides, to train and to test with: all has 40 train, 0 val"
    )


def test_workers_below_one(folder, tmp_path):
    assert "at least 1" in refused(ConfigError, folder, tmp_path / "out", 0)


def test_a_finished_data_set_is_replaced_by_the_same_only(folder, tmp_path):
    out = tmp_path / "out"
    prepare(folder, out)
    before = tree(out)
    prepare(folder, out)
    assert tree(out) == before
    message = refused(UserError, replace(folder, options={"persons": 1}), out)
    assert "already holds made with other options" in message
    (out / CARD).unlink()
    assert "half/train_data.npy is already there" in refused(UserError, folder, out)
    (out / CARD).write_text("[")
    assert "no description" in refused(ClipError, folder, out)


def test_a_place_that_cannot_be_written(folder, tmp_path):
    (tmp_path / "file").write_text("")
    assert "file/out cannot be written" in refused(UserError, folder, tmp_path / "file" / "out")


@pytest.mark.parametrize("limit", [500, 20_000])
def test_no_space_left(folder, tmp_path, limit):
    """As on a full disk, in the middle of reading and of writing, no byte more is taken; later it goes on."""
    rng = np.random.default_rng(1)
    for number in range(8):
        np.save(folder.raw / f"long{number}.npy", clip(rng, 40))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        message = refused(UserError, folder, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "out cannot be written" in message and "File too large" in message and run.AGAIN in message
    prepare(folder, tmp_path / "out")
    prepare(folder, tmp_path / "at once")
    assert tree(tmp_path / "out") == tree(tmp_path / "at once")


def test_a_changed_file_is_read_again_and_no_other(folder, tmp_path):
    (folder.raw / "clip39.interrupts").touch()
    with pytest.raises(KeyboardInterrupt):
        prepare(folder, tmp_path / "out")
    (folder.raw / "clip39.interrupts").unlink()
    read = folder.log()
    kept = [name for name in read if name in stored(folder, tmp_path / "out")]
    assert kept
    np.save(folder.raw / f"{kept[0]}.npy", np.ones((2, 11, 3, 2), np.float32))
    assert prepare(folder, tmp_path / "out").card.frames == 11
    again = folder.log()[len(read) :]
    assert sorted(again) == sorted({f"clip{number:02}" for number in range(CLIPS)} - set(kept[1:]))


def stored(folder: Folder, out: Path) -> list[str]:
    with store.Store(out / run.WORK, run._key(folder, folder.describe())) as content:
        return list(content.entries)


@pytest.mark.parametrize("change", ["options", "layout"])
def test_clips_read_with_other_settings_are_not_taken(folder, tmp_path, change):
    (folder.raw / "clip00.interrupts").touch()
    with pytest.raises(KeyboardInterrupt):
        prepare(folder, tmp_path / "out")
    (folder.raw / "clip00.interrupts").unlink()
    if change == "layout":
        (folder.raw / "stick.yaml").write_text(LAYOUT.replace("head", "top"))
    else:
        folder = replace(folder, options={"persons": 3})
    (folder.raw / "log").unlink()
    prepare(folder, tmp_path / "out")
    assert len(folder.log()) == CLIPS


def test_an_interrupted_preparation_says_that_it_goes_on(folder, tmp_path, capsys):
    (folder.raw / "clip30.interrupts").touch()
    with pytest.raises(KeyboardInterrupt):
        prepare(folder, tmp_path / "out")
    error = capsys.readouterr().err
    assert error == "interrupted: what is read so far is kept, and the same command goes on from there\n"


def test_a_process_that_dies(folder, tmp_path):
    (folder.raw / "clip30.dies").touch()
    message = refused(UserError, folder, tmp_path / "out", 2)
    assert "a process died" in message and run.AGAIN in message
    (folder.raw / "clip30.dies").unlink()
    read = len(stored(folder, tmp_path / "out"))
    before = len(folder.log())
    prepare(folder, tmp_path / "out", 2)
    assert len(folder.log()) - before == CLIPS - read


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_any_time_and_started_again_makes_the_same(folder, tmp_path, workers):
    prepare(folder, tmp_path / "at once")
    (folder.raw / "log").unlink()
    slow, out, read = replace(folder, pause=0.001), tmp_path / "out", 0
    for more in (1, 3, 8, 20):
        process = FORK.Process(target=prepare, args=(slow, out, workers))
        process.start()
        while process.is_alive() and (not (folder.raw / "log").exists() or len(folder.log()) < read + more):
            time.sleep(0.001)
        process.kill()
        process.join()
        assert process.exitcode, "40 clips were read before it could be killed"
        read = len(folder.log())
    process = FORK.Process(target=prepare, args=(slow, out, workers))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert tree(out) == tree(tmp_path / "at once")
    # what had been read was not read again, but for a few that were on their way
    assert len(folder.log()) < CLIPS * 3
    pids = {int(line.split()[1]) for line in (folder.raw / "log").read_text().splitlines()}
    deadline = time.monotonic() + 10
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(alive, pids))


def test_killed_while_the_files_take_their_places(folder, tmp_path):
    """Whatever of the finished files has been moved: the rest follows, and until then there is no card."""
    prepare(folder, tmp_path / "at once")
    whole = tree(tmp_path / "at once")
    for moved in range(len(whole)):
        out = tmp_path / f"out{moved}"
        (folder.raw / "clip39.interrupts").touch()
        with pytest.raises(KeyboardInterrupt):
            prepare(folder, out)
        (folder.raw / "clip39.interrupts").unlink()
        for name in [name for name in whole if name != CARD][:moved]:
            (out / name).parent.mkdir(exist_ok=True)
            (out / name).write_bytes(whole[name])
        (out / run.WORK / "finished").mkdir()
        prepare(folder, out)
        assert tree(out) == whole


def test_yaml_has_plain_values_only(folder, tmp_path):
    out = tmp_path / "out"
    prepare(replace(folder, options={"labels": Path("a/b.csv"), "pair": (1, 2.5), "none": None}), out)
    options = yaml.safe_load((out / CARD).read_text())["options"]
    assert options == {"labels": "a/b.csv", "pair": [1, 2.5], "none": None}
