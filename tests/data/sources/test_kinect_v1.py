"""NW-UCLA, UTD-MHAD and MSR Action3D: splits, joint order, gaps, and what files that are none of theirs raise."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import io

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.prepare.source import Recording
from ctrgcn_plugin.data.sources import matlab, msr_action3d, nw_ucla, utd_mhad
from ctrgcn_plugin.errors import ClipError, ConfigError, UserError

LAYOUT = layouts.get("kinect_v1")
# joints in the files' order, as the data sets' own descriptions give it
UTD_ORDER = ("head", "shoulder_center", "spine", "hip_center", *LAYOUT.joints[4:])
MSR_ORDER = (
    *("left_shoulder", "right_shoulder", "shoulder_center", "spine", "left_hip", "right_hip", "hip_center"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hand", "right_hand"),
    *("left_knee", "right_knee", "left_ankle", "right_ankle", "left_foot", "right_foot", "head"),
)


def ordered(joints: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """(T, V, 3) of the layout's order in that of `names`."""
    return joints[:, [LAYOUT.joints.index(name) for name in names]]


def write_json(path: Path, joints: np.ndarray) -> None:
    path.write_text(json.dumps({"file_name": path.stem, "skeletons": joints.tolist(), "label": 1}))


def write_mat(path: Path, joints: np.ndarray) -> None:
    io.savemat(path, {"d_skel": ordered(joints, UTD_ORDER).transpose(1, 2, 0)}, do_compression=True)


def write_txt(path: Path, joints: np.ndarray) -> None:
    rows = ordered(joints, MSR_ORDER).reshape(-1, 3).tolist()
    path.write_text("".join(f"{x!r} {y!r} {z!r} 1.000000\n" for x, y, z in rows))


class Case(NamedTuple):
    """A data set: file names by (action, subject), how a clip is written, and what is known of the whole."""

    module: ModuleType
    file: str
    write: Callable[[Path, np.ndarray], None]
    protocol: str
    classes: int

    def make(self, folder: Path, joints: np.ndarray | None = None, **numbers: int) -> Path:
        path = folder / self.file.format(**{"a": 1, "s": 1, "v": 1, **numbers})
        self.write(path, body(3) if joints is None else joints)
        return path

    def read(self, path: Path) -> Any:
        return self.module.source(path.parent).read(Recording(path.stem, 0, path))


CASES = {
    "nw_ucla": Case(nw_ucla, "a{a:02d}_s{s:02d}_e00_v{v:02d}.json", write_json, "xview", 10),
    "utd_mhad": Case(utd_mhad, "a{a}_s{s}_t1_skeleton.mat", write_mat, "xsub", 27),
    "msr_action3d": Case(msr_action3d, "a{a:02d}_s{s:02d}_e01_skeleton3D.txt", write_txt, "xsub", 20),
}
each = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def body(frames: int) -> np.ndarray:
    """(T, V, 3): no two coordinates are equal."""
    return np.arange(frames * 60).reshape(frames, 20, 3) * 0.005 + 1.5


def refused(function: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(UserError) as caught:
        function(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    return message


@each
def test_a_clip_is_in_the_layouts_order_with_the_origin_in_the_spine(case, tmp_path):
    joints = body(3)
    clip, notes = case.read(case.make(tmp_path, joints))
    expected = joints - joints[0, LAYOUT.joints.index("spine")]
    np.testing.assert_allclose(clip, expected.transpose(2, 0, 1)[..., None], atol=1e-6)
    assert clip.dtype == np.float32
    assert not notes


@each
def test_a_single_frame_is_a_clip(case, tmp_path):
    assert case.read(case.make(tmp_path, body(1))).clip.shape == (3, 1, 20, 1)


@each
def test_what_the_sensor_did_not_see_is_filled(case, tmp_path):
    joints = body(40)
    joints[5, 7] = 0
    joints[10:12] = 0  # few frames
    joints[20:38] = 0  # many
    clip, notes = case.read(case.make(tmp_path, joints))
    assert clip.shape == (3, 22, 20, 1)
    # the body moves evenly, so what was filled is what it was
    expected = (body(40) - body(1)[0, 1]).transpose(2, 0, 1)[..., None]
    np.testing.assert_allclose(clip, np.delete(expected, range(20, 38), axis=1), atol=1e-5)
    assert notes == ["123 values filled", "18 frames without anybody left out"]


@each
def test_the_data_set_is_described(case, tmp_path):
    case.make(tmp_path)
    source = case.module.source(tmp_path)
    known = source.describe()
    assert (known.layout, known.coordinates, known.persons, known.unit) == ("kinect_v1", 3, 1, "metres")
    assert len(known.classes) == len(set(known.classes)) == case.classes
    assert pickle.loads(pickle.dumps(source)) == source
    assert len(pickle.dumps(source)) < 4096


@each
def test_subjects_or_cameras_decide_who_trains(case, tmp_path):
    by_camera = case.protocol == "xview"
    for number in (1, 2, 3):
        for action in (1, 2):
            case.make(tmp_path, a=action, **({"v": number} if by_camera else {"s": number}))
    (tmp_path / "readme.txt").touch()
    source = case.module.source(tmp_path)
    assert list(source.protocols()) == [case.protocol]
    rows = source.protocols()[case.protocol]
    found = {split: [(each.name, each.label, each.subject) for each in rows[split]] for split in rows}
    stem = case.file.partition("_skeleton")[0].partition(".json")[0]
    trains = (1, 2) if by_camera else (1, 3)
    expected: dict[str, list] = {"train": [], "val": []}
    for action in (1, 2):
        for number in (1, 2, 3):
            name = stem.format(a=action, s=1 if by_camera else number, v=number)
            row = (name, action - 1, "1" if by_camera else str(number))
            expected["train" if number in trains else "val"].append(row)
    assert found == expected
    assert list(source.left_out()) == ["readme.txt"]


@each
def test_actions_are_ordered_as_numbers_and_others_left_out(case, tmp_path):
    for action in (2, 11, 40):
        case.make(tmp_path, a=action)
    source = case.module.source(tmp_path)
    names = [each.name for each in source.protocols()[case.protocol]["train"]]
    assert [name[: name.index("_")] for name in names] in (["a02", "a11"], ["a2", "a11"])
    assert list(source.left_out().values()) == [f"of an action that is not in {source.describe().name}"]


def test_nw_ucla_has_no_actions_7_and_10(tmp_path):
    for action in range(1, 13):
        CASES["nw_ucla"].make(tmp_path, a=action, v=3)
    source = nw_ucla.source(tmp_path)
    rows = source.protocols()["xview"]["val"]
    assert [each.label for each in rows] == list(range(10))
    classes = source.describe().classes
    assert [classes[each.label] for each in rows if each.name[:3] in ("a06", "a08", "a09", "a11")] == [
        *("stand up", "donning", "doffing", "throw")
    ]
    assert sorted(source.left_out()) == ["a07_s01_e00_v03.json", "a10_s01_e00_v03.json"]


def test_msr_action3d_leaves_out_clips_of_which_much_is_lost(tmp_path):
    for numbers in ((7, 4), (7, 3), (20, 6)):
        CASES["msr_action3d"].make(tmp_path, a=numbers[0], s=numbers[1])
    source = msr_action3d.source(tmp_path)
    assert [each.name for each in source.protocols()["xsub"]["train"]] == ["a07_s03_e01"]
    assert list(source.left_out()) == ["a07_s04_e01_skeleton3D.txt", "a20_s06_e01_skeleton3D.txt"]
    assert len(msr_action3d.MSR_ACTION3D.left_out) == 10


def test_a_subset_of_msr_action3d_has_labels_from_zero(tmp_path):
    for action in range(1, 21):
        CASES["msr_action3d"].make(tmp_path, a=action)
    used = []
    for subset, actions in msr_action3d.SUBSETS.items():
        source = msr_action3d.source(tmp_path, subset=subset)
        rows = source.protocols()["xsub"]["train"]
        assert [(int(each.name[1:3]), each.label) for each in rows] == [(a, n) for n, a in enumerate(actions)]
        known = source.describe()
        assert known.name == f"MSR Action3D {subset}"
        assert known.options == {"subset": subset}
        assert len(source.left_out()) == 12
        everything = msr_action3d.source(tmp_path).describe().classes
        assert list(known.classes) == [everything[action - 1] for action in actions]
        used += actions
    assert sorted(set(used)) == list(range(1, 21))
    with pytest.raises(ConfigError, match="AS1"):
        msr_action3d.source(tmp_path, subset="AS4")


@each
def test_a_folder_of_something_else(case, tmp_path):
    source = case.module.source(tmp_path)
    example = source.dataset.example
    assert example in refused(source.describe)
    (tmp_path / "a01_s01_e01_skeleton.txt").touch()
    message = refused(source.describe)
    assert "a01_s01_e01_skeleton.txt" in message
    assert example in message
    for path in (tmp_path / "nothing", tmp_path / "a01_s01_e01_skeleton.txt"):
        assert str(path) in refused(case.module.source(path).describe)


@each
def test_pixels_and_millimetres_are_refused(case, tmp_path):
    joints = body(4)
    joints[2, 3, 1] = 240
    message = refused(case.read, case.make(tmp_path, joints))
    assert "above 20" in message
    assert "frame 2" in message


@each
def test_a_clip_without_anybody_is_refused(case, tmp_path):
    assert "nobody" in refused(case.read, case.make(tmp_path, np.zeros((3, 20, 3))))


@each
def test_a_file_that_is_not_there_is_named(case, tmp_path):
    path = tmp_path / case.file.format(a=1, s=1, v=1)
    assert str(path) in refused(case.read, path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "JSON"),
        ("[1]", "skeletons"),
        ('{"skeletons": 3}', "skeletons"),
        ('{"skeletons": []}', "(0,)"),
        ('{"skeletons": [[[1, 2, 3]]]}', "(1, 1, 3)"),
        ('{"skeletons": [[[1, 2, 3], [1, 2]]]}', "numbers"),
        ('{"skeletons": [["a"]]}', "numbers"),
        ("[" * 100_000, "JSON"),
    ],
)
def test_a_json_file_of_something_else(content, why, tmp_path):
    path = tmp_path / "a01_s01_e00_v01.json"
    path.write_text(content)
    message = refused(CASES["nw_ucla"].read, path)
    assert str(path) in message
    assert why in message


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "nobody"),
        ("1 2 3 1\n1 2 x 1\n", "line 2"),
        ("1 2 3 1\n" * 20 + "1 2 3\n", "line 21"),
        ("1 2 3 1 5\n", "line 1"),
        ("1 2 3 1\n" * 21, "21 lines"),
        ("\x80" * 9, "line 1"),
    ],
)
def test_a_text_file_of_something_else(content, why, tmp_path):
    path = tmp_path / "a01_s01_e01_skeleton3D.txt"
    path.write_bytes(content.encode("latin-1"))
    message = refused(CASES["msr_action3d"].read, path)
    assert str(path) in message
    assert why in message


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({}, "no array of numbers called d_skel"),
        ({"skel": np.ones((20, 3, 2))}, "no array of numbers called d_skel"),
        ({"d_skel": "text"}, "no array of numbers called d_skel"),
        ({"d_skel": np.ones((20, 3, 2)) * 1j}, "no array of numbers called d_skel"),
        ({"d_skel": {"a": 1}}, "no array of numbers called d_skel"),
        ({"d_skel": np.ones((20, 2, 3))}, "(3, 20, 2)"),
        ({"d_skel": np.ones((20, 3, 2, 2))}, "(2, 20, 3, 2)"),
        ({"d_skel": np.ones((20, 3, 0))}, "nobody"),
    ],
)
def test_a_mat_file_of_something_else(variables, why, tmp_path):
    path = tmp_path / "a1_s1_t1_skeleton.mat"
    io.savemat(path, variables)
    message = refused(CASES["utd_mhad"].read, path)
    assert str(path) in message
    assert why in message


def test_other_versions_of_mat_files_are_refused(tmp_path):
    path = tmp_path / "a1_s1_t1_skeleton.mat"
    io.savemat(path, {"d_skel": np.ones((20, 3))}, format="4")
    assert "-v7" in refused(CASES["utd_mhad"].read, path)


def test_an_array_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a1_s1_t1_skeleton.mat"
    io.savemat(path, {"d_skel": np.ones((20, 3, 500))}, do_compression=True)
    monkeypatch.setattr(matlab, "LARGEST", 1000)
    assert "too large" in refused(CASES["utd_mhad"].read, path)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
def test_a_mat_file_is_read_as_scipy_reads_it(dtype, compressed, tmp_path):
    path = tmp_path / "arrays.mat"
    # of which the last two are written in the short form of a part
    arrays = {"cube": np.arange(24).reshape(2, 3, 4), "column": np.arange(3)[:, None], "x": np.array([[7]])}
    io.savemat(path, {name: array.astype(dtype) for name, array in arrays.items()}, do_compression=compressed)
    for name, expected in io.loadmat(path, variable_names=list(arrays)).items():
        if name in arrays:
            found = matlab.read_array(path, name)
            assert found.shape == expected.shape
            np.testing.assert_array_equal(found, expected)


def test_a_mat_file_of_the_other_byte_order(tmp_path):
    def part(kind: int, content: bytes) -> bytes:
        return np.array([kind, len(content)], ">u4").tobytes() + content + b"\0" * (-len(content) % 8)

    parts = (
        part(6, np.array([6, 0], ">u4").tobytes()),
        part(5, np.array([1, 3], ">i4").tobytes()),
        part(1, b"numbers"),
        part(9, np.array([1.5, -2, 3], ">f8").tobytes()),
    )
    path = tmp_path / "other.mat"
    path.write_bytes(b" " * 124 + b"\x01\x00MI" + part(14, b"".join(parts)))
    assert io.loadmat(path)["numbers"].tolist() == matlab.read_array(path, "numbers").tolist() == [[1.5, -2, 3]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Which examples share."""
    return tmp_path_factory.mktemp("damaged")


def either_a_clip_or_an_error(case: Case, folder: Path, content: bytes) -> None:
    path = folder / case.file.format(a=1, s=1, v=1)
    path.write_bytes(content)
    try:
        clip = case.read(path).clip
    except ClipError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
    else:
        assert clip.shape[0] == 3
        assert clip.shape[2:] == (20, 1)
        assert np.isfinite(clip).all()


@each
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_damaged_bytes_give_a_clip_or_an_error(case, folder, data):
    content = bytearray(case.make(folder).read_bytes())
    # headers are at the start: half of the damage goes there
    places = st.integers(0, 200) | st.integers(0, len(content) - 1)
    for place in data.draw(st.lists(places, max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    either_a_clip_or_an_error(case, folder, bytes(content[: data.draw(st.integers(0, 2 * len(content)))]))


@settings(max_examples=50, deadline=None)
@given(damage=st.dictionaries(st.integers(124, 200), st.integers(0, 255), min_size=1, max_size=4))
def test_damage_to_an_uncompressed_mat_file(folder, damage):
    path = folder / "a.mat"
    io.savemat(path, {"d_skel": ordered(body(1), UTD_ORDER)[0]})
    content = bytearray(path.read_bytes())
    # in the tags and the shape, not in the coordinates
    for place, byte in damage.items():
        content[place] = byte
    either_a_clip_or_an_error(CASES["utd_mhad"], folder, bytes(content))


numbers = st.integers(-(10**400), 10**400) | st.floats() | st.none() | st.text(max_size=3) | st.booleans()
triple = st.tuples(st.floats(-30, 30), st.floats(), st.just(1))


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(numbers, lambda inner: st.lists(inner, max_size=4), max_leaves=10)
    | triple.map(lambda joint: [[joint] * 20] * 2)
)
def test_json_of_other_types(folder, skeletons):
    either_a_clip_or_an_error(CASES["nw_ucla"], folder, json.dumps({"skeletons": skeletons}).encode())


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(width=32) | st.text("1e-.n ", max_size=5), min_size=3, max_size=5))
def test_text_of_other_numbers(folder, row):
    line = " ".join(map(str, row)) + "\n"
    either_a_clip_or_an_error(CASES["msr_action3d"], folder, (line * 20).encode())
