"""NTU RGB+D's files: which of them train and test, in upstream's order, and the same arrays as upstream's scripts."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from ntu_files import Frames, prepare_upstream, random_scene, stops_upstream, write

from ctrgcn_plugin import cli
from ctrgcn_plugin.data import ntu as one_clip
from ctrgcn_plugin.data.prepare.formats import FORMATS
from ctrgcn_plugin.data.prepared import Card
from ctrgcn_plugin.data.sources import ntu
from ctrgcn_plugin.errors import ConfigError


def names_of(folder: Path, *names: str) -> Path:
    """`folder` with an empty file of each name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.skeleton").touch()
    return folder


def some_names(setups: Sequence[int], subjects: Sequence[int], actions: Sequence[int], count: int) -> list[str]:
    rng = np.random.default_rng(3)
    return sorted(
        {
            f"S{rng.choice(setups):03}C{rng.integers(1, 4):03}P{rng.choice(subjects):03}R{rng.integers(1, 3):03}"
            f"A{rng.choice(actions):03}"
            for _ in range(count)
        }
    )


NAMES = {
    60: some_names(range(1, 18), range(1, 41), range(1, 61), 400),
    120: some_names(range(1, 33), range(1, 107), range(1, 121), 800),
}


def in_order(names: Sequence[str], place: int, ids: Iterable[int]) -> list[str]:
    """Rows as upstream's script collects them: for one number after the other, all that have it."""
    numbers = np.array([int(name[place : place + 3]) for name in names])
    return [names[row] for number in ids for row in np.where(numbers == number)[0]]


# Shahroudy et al. 2016 and Liu et al. 2020: where in a name the number is that decides, which train, which test
SUBJECTS = [1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38]
SUBJECTS_120 = [*SUBJECTS, 45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81, 82, 83, 84, 85, 86]
SUBJECTS_120 += [89, 91, 92, 93, 94, 95, 97, 98, 100, 103]
SPLITS = {
    (60, "xsub"): (9, SUBJECTS, sorted({*range(1, 41)} - {*SUBJECTS})),
    (60, "xview"): (5, [2, 3], [1]),
    (120, "xsub"): (9, SUBJECTS_120, sorted({*range(1, 107)} - {*SUBJECTS_120})),
    (120, "xset"): (1, range(2, 33, 2), range(1, 33, 2)),
}


@pytest.mark.parametrize(("actions", "protocol"), SPLITS)
def test_rows_in_upstreams_order(tmp_path, actions, protocol):
    source = ntu.source(names_of(tmp_path, *NAMES[actions]))
    left_out = {Path(file).stem for file in source.left_out()}
    names = [name for name in NAMES[actions] if name not in left_out]
    place, train, test = SPLITS[actions, protocol]
    rows = source.protocols()[protocol]
    assert [row.name for row in rows["train"]] == in_order(names, place, train)
    assert [row.name for row in rows["val"]] == in_order(names, place, test)
    assert len(rows["train"]) + len(rows["val"]) == len(names) > 300
    for row in rows["train"]:
        assert row.label == int(row.name[17:]) - 1 and row.subject == row.name[8:12]
        assert row.file == tmp_path / f"{row.name}.skeleton"


def test_description(tmp_path):
    for actions, names in NAMES.items():
        description = ntu.source(names_of(tmp_path / str(actions), *names)).describe()
        assert description.name == f"NTU RGB+D {actions}"
        assert len(description.classes) == len(set(description.classes)) == actions
        assert (description.layout, description.coordinates, description.persons) == ("ntu_rgb_d", 3, 2)


def test_the_data_sets_own_facts():
    missing = ntu._names_in(ntu.MISSING)
    assert len(missing) == 535 and sum(name < "S018" for name in missing) == 302
    actions = ntu.action_names()
    assert (actions[0], actions[42], actions[59], actions[119]) == (
        "drink water",
        "falling",
        "walking apart from each other",
        "finger-guessing game (playing rock-paper-scissors)",
    )


def test_the_release_is_told_by_the_files_and_by_an_option(tmp_path):
    first, second = "S001C001P001R001A001", "S018C001P008R001A061"
    raw = names_of(tmp_path / "nturgb+d_skeletons", first).parent
    assert ntu.source(raw).release == 60 and ntu.source(raw, actions=120).release == 120
    (raw / "nturgb+d_skeletons120").symlink_to(names_of(tmp_path.parent / f"{tmp_path.name} elsewhere", second))
    assert [row.name for row in ntu.source(raw).recordings] == [first, second]
    old = ntu.source(raw, actions=60)
    assert [row.name for row in old.recordings] == [first]
    assert list(old.left_out().values()) == ["not of NTU RGB+D 60"]


def test_files_that_are_left_out(tmp_path):
    listed = "S001C002P005R002A008"
    none, other = "S001C001P001R001A000", "S001C009P107R001A001"
    raw = names_of(tmp_path, "S002C001P001R001A001", listed, "S001C001P001R001A001 (copy)", none, other)
    source = ntu.source(raw, actions=120)
    reasons = {Path(file).stem: reason for file, reason in source.left_out().items()}
    # setup 1 tests, whoever performs
    assert [row.name for row in source.recordings] == [other, "S002C001P001R001A001"]
    assert reasons == {
        listed: "in the list of missing skeletons",
        "S001C001P001R001A001 (copy)": "not named like S001C001P001R001A001",
        none: "not of NTU RGB+D 120",
    }
    odd_camera = names_of(tmp_path / "60", "S001C009P077R001A001", "S001C001P001R001A001")
    assert list(ntu.source(odd_camera).left_out().values()) == ["in no split"]


@pytest.mark.parametrize(
    "text", ["S001C001P001R001A001.skeleton\n", "1 of the samples:\r\n\r\nS001C001P001R001A001\r\n"]
)
def test_a_list_of_ones_own(tmp_path, text):
    raw = names_of(tmp_path / "raw", "S001C001P001R001A001", "S001C002P005R002A008")
    (tmp_path / "mine.txt").write_text(text)
    source = ntu.source(raw, missing=tmp_path / "mine.txt")
    assert [row.name for row in source.recordings] == ["S001C002P005R002A008"]
    (tmp_path / "mine.txt").write_text("\n")
    assert len(ntu.source(raw, missing=tmp_path / "mine.txt").recordings) == 2


def folder_with_two(tmp_path: Path) -> Path:
    names_of(tmp_path / "b", "S001C001P001R001A001")
    return names_of(tmp_path / "a", "S001C001P001R001A001").parent


BAD = {
    "no folder": (lambda tmp: (tmp / "none", None), ["no folder at"]),
    "a file": (lambda tmp: (names_of(tmp, "x") / "x.skeleton", None), ["no folder at"]),
    "empty": (lambda tmp: (tmp, None), ["has no .skeleton files named like", "it has none"]),
    "other names": (lambda tmp: (names_of(tmp, "walk"), None), ["it has walk"]),
    "twice": (lambda tmp: (folder_with_two(tmp), None), ["is there twice", "remove one"]),
    "no list": (lambda tmp: (names_of(tmp, "S001C001P001R001A001"), tmp / "none.txt"), ["none.txt cannot be read"]),
    "no names": (
        lambda tmp: (names_of(tmp, "S001C001P001R001A001"), (tmp / "x.txt", (tmp / "x.txt").write_text("x"))[0]),
        ["x.txt has no name like"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_refuses(tmp_path, case):
    make, says = BAD[case]
    raw, missing = make(tmp_path)
    with pytest.raises(ConfigError) as caught:
        ntu.source(raw, missing=missing)
    message = str(caught.value)
    assert "\n" not in message and all(part in message for part in says), message


# 60: both sides of both protocols; the same files under names of the larger release
NUMBERS = [(1, 1, 1, 1), (1, 2, 3, 2), (2, 3, 8, 60), (17, 1, 40, 43), (5, 2, 38, 9), (1, 3, 1, 50), (2, 1, 6, 2)]
CLIPS = [f"S{setup:03}C{camera:03}P{subject:03}R002A{action:03}" for setup, camera, subject, action in NUMBERS]
LARGER = {
    name: f"S{2 * int(name[1:4]) - 2:03}".replace("S000", "S018") + name[4:17] + f"{int(name[17:]) + 60:03}"
    for name in CLIPS
}


@pytest.fixture(scope="module")
def clips() -> dict[str, Frames]:
    rng = np.random.default_rng(5)
    scenes = (random_scene(rng) for _ in range(100))
    return dict(zip(CLIPS, (frames for frames in scenes if not stops_upstream(frames))))


@pytest.fixture(scope="module")
def upstream(checkout_root, python, tmp_path_factory, clips) -> Path:
    return prepare_upstream(checkout_root, python, tmp_path_factory.mktemp("upstream"), clips)


def split_of(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Clips, names as bytes and labels."""
    with (folder / f"{split}_label.pkl").open("rb") as file:
        names, labels = pickle.load(file)
    return np.load(folder / f"{split}_data.npy"), names, labels


def test_the_same_as_upstreams_scripts(upstream, clips, tmp_path, capsys):
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw, clips)
    assert cli.main(["prepare", "ntu", str(raw), str(out), "--workers", "2"]) == 0
    assert "NTU RGB+D 60: 7 clips" in capsys.readouterr().out
    for protocol in ("xsub", "xview"):
        for split in ("train", "val"):
            for ours, theirs in zip(split_of(out / protocol, split), split_of(upstream / protocol, split)):
                assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
                assert ours.tobytes() == theirs.tobytes()
                assert len(ours)
    assert (out / "xsub/train_data.npy").read_bytes() == (upstream / "xsub/train_data.npy").read_bytes()


def test_rows_of_the_larger_release_are_upstreams_too(upstream, clips, tmp_path):
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw, {LARGER[name]: frames for name, frames in clips.items()})
    assert cli.main(["prepare", "ntu", str(raw), str(out), "--workers", "1"]) == 0
    card = Card.read(out)
    assert card is not None and list(card.protocols) == ["xsub", "xset"] and len(card.classes) == 120
    theirs = {}
    for split in ("train", "val"):
        data, names, _ = split_of(upstream / "xsub", split)
        theirs.update(zip((LARGER[name.decode()].encode() for name in names), data))
    for protocol in card.protocols:
        seen = []
        for split in ("train", "val"):
            data, names, labels = split_of(out / protocol, split)
            seen += list(names)
            assert list(labels) == [int(name[17:]) - 1 for name in names]
            for clip, name in zip(data, names):
                assert clip.tobytes() == theirs[name].tobytes()
        assert sorted(seen) == sorted(theirs)


def test_without_upstream_the_rows_are_the_clips_that_are_read_alone(clips, tmp_path):
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw, clips)
    (raw / "S001C001P002R001A001.skeleton").write_text("3\n0\n0\n0\n")
    (raw / "S001C001P002R001A002.skeleton").write_text("7")
    assert cli.main(["prepare", "ntu", str(raw), str(out), "--workers", "1"]) == 0
    data, names, _ = split_of(out / "xview", "val")
    for row, name in zip(data, names):
        clip = one_clip.read(raw / f"{name.decode()}.skeleton")
        np.testing.assert_array_equal(row[:, : clip.shape[1]], clip)
        assert not row[:, clip.shape[1] :].any()
    report = (out / "report.csv").read_text()
    assert "nobody in any of its frames" in report and "is cut off" in report


def test_the_format_knows_its_options(tmp_path):
    raw = names_of(tmp_path, "S001C001P001R001A001")
    options = {"actions": None, "missing": None}
    assert FORMATS["ntu"].source(raw, options).describe().name == "NTU RGB+D 60"
    assert FORMATS["ntu"].source(raw, {**options, "actions": 120}).describe().name == "NTU RGB+D 120"
