"""A pickle of annotations: splits in pairs, poses as pyskl normalises them, and pickles of something else."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.sources import annotation_file, pyskl
from ctrgcn_plugin.errors import ClipError, UserError

HEIGHT, WIDTH = 480, 640
ONE_PAIR = {"xsub_train": ["a"], "xsub_val": ["b"]}


def annotation(name: str, label: Any = 0, persons: int = 1, frames: int = 4, joints: int = 17, **more: Any) -> dict:
    """2-D; no two coordinates are equal."""
    keypoint = np.arange(persons * frames * joints * 2).reshape(persons, frames, joints, 2) % 479 + 0.5
    return {
        "frame_dir": name,
        "label": label,
        "img_shape": (HEIGHT, WIDTH),
        "total_frames": frames,
        "keypoint": keypoint.astype(np.float16),
        "keypoint_score": np.full((persons, frames, joints), 0.5, np.float16),
        **more,
    }


def in_3d(name: str, persons: int = 2, joints: int = 25, **more: Any) -> dict:
    keypoint = np.random.default_rng(0).normal(size=(persons, 4, joints, 3)).astype(np.float32)
    return {"frame_dir": name, "label": 0, "total_frames": 4, "keypoint": keypoint, **more}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "set.pkl"


def write(file: Path, *annotations: Any, split: Any = ONE_PAIR) -> Path:
    file.write_bytes(pickle.dumps({"split": split, "annotations": list(annotations)}))
    return file


def read(file: Path, name: str = "a", **options: Any) -> Any:
    source = pyskl.source(file, **options)
    (recording,) = [
        each for pair in source.protocols().values() for rows in pair.values() for each in rows if each.name == name
    ]
    return source.read(recording)


def refused(function: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        function(*arguments, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def as_pyskl(annotation: dict) -> np.ndarray:
    """PreNormalize2D, (2, T, V, M), joint by joint."""
    keypoint, scores = annotation["keypoint"].astype(np.float32), annotation["keypoint_score"]
    result = np.zeros((2, *keypoint.shape[1:3], len(keypoint)), np.float32)
    for m, t, v in np.ndindex(scores.shape):
        if scores[m, t, v] > 0.01:
            x, y = keypoint[m, t, v]
            result[:, t, v, m] = (x - WIDTH / 2) / (WIDTH / 2), (y - HEIGHT / 2) / (HEIGHT / 2)
    return result


def test_2d_poses_are_normalised_as_pyskl_does(file):
    first = annotation("a", persons=2)
    clip, notes = read(write(file, first, annotation("b")))
    assert clip.dtype == np.float32
    np.testing.assert_allclose(clip, as_pyskl(first), atol=1e-6)
    assert not notes


def test_joints_below_pyskls_threshold_are_filled(file):
    first = annotation("a")
    expected = as_pyskl(first)
    first["keypoint_score"][0, 1, 3] = 0.009
    first["keypoint_score"][0, 2, 5] = np.nan
    first["keypoint"][0, 1, 3] = 0
    clip, notes = read(write(file, first, annotation("b")))
    expected[:, 1, 3] = (expected[:, 0, 3] + expected[:, 2, 3]) / 2
    expected[:, 2, 5] = (expected[:, 1, 5] + expected[:, 3, 5]) / 2
    np.testing.assert_allclose(clip, expected, atol=1e-6)
    assert notes == ["4 values filled"]


def test_scores_are_kept_on_request(file):
    first = annotation("a", frames=5)
    first["keypoint_score"][0, 4] = 0  # nobody
    first["keypoint_score"][0, 1, 3] = 0
    write(file, first, annotation("b"))
    assert pyskl.source(file, confidence=True).describe().coordinates == 3
    clip, notes = read(file, confidence=True)
    np.testing.assert_array_equal(clip[:2], read(file).clip)
    np.testing.assert_array_equal(clip[2, ..., 0], first["keypoint_score"][0, :4])
    assert "1 frames without anybody left out" in notes


def test_a_third_coordinate_in_a_picture_is_the_score(file):
    first = annotation("a", persons=2)
    joined = np.concatenate([first["keypoint"], first.pop("keypoint_score")[..., None]], axis=-1)
    write(file, {**first, "keypoint": joined}, annotation("b"))
    source = pyskl.source(file)
    assert source.describe().coordinates == 2
    np.testing.assert_allclose(read(file).clip, as_pyskl(annotation("a", persons=2)), atol=1e-6)


def test_3d_poses_move_into_the_first_person(file):
    first = in_3d("a")
    first["keypoint"][1, 2:] = 0  # the second person has left
    first["keypoint"][0, 1, 7] = 0
    clip, notes = read(write(file, first, in_3d("b")))
    expected = first["keypoint"].transpose(3, 1, 2, 0) - first["keypoint"][0, 0, 1][:, None, None, None]
    expected[:, 2:, :, 1] = 0
    expected[:, 1, 7, 0] = (expected[:, 0, 7, 0] + expected[:, 2, 7, 0]) / 2
    np.testing.assert_allclose(clip, expected, atol=1e-6)
    assert notes == ["3 values filled"]


@pytest.mark.parametrize(
    ("make", "joints", "layout"),
    [
        (annotation, 17, "coco"),
        (annotation, 18, "openpose"),
        (annotation, 25, "body_25"),
        (in_3d, 25, "ntu_rgb_d"),
        (in_3d, 20, "kinect_v1"),
    ],
)
def test_the_layout_follows_from_the_joints(make, joints, layout, file):
    write(file, make("a", joints=joints), make("b", joints=joints))
    known = pyskl.source(file).describe()
    assert known.layout == layout
    assert known.unit == ("half images" if make is annotation else "as recorded")
    assert read(file).clip.shape[2] == joints


def test_a_layout_of_the_users(file, tmp_path):
    layout = tmp_path / "chain.yaml"
    layout.write_text("joints: {a: null, b: a, c: b}\ndimensions: 2\n")
    write(file, annotation("a", joints=3), annotation("b", joints=3))
    assert "3 joints" in refused(pyskl.source(file).describe)
    assert pyskl.source(file, layout=str(layout)).describe().layout == str(layout)
    assert "17 joints" in refused(pyskl.source(file, layout="coco").describe)


@pytest.mark.parametrize(("persons", "expected"), [(None, 2), (1, 1), (2, 2), (4, 4)])
def test_the_first_persons_are_kept(persons, expected, file):
    first = annotation("a", persons=3)
    write(file, first, annotation("b"))
    assert pyskl.source(file, persons=persons).describe().persons == expected
    clip, notes = read(file, persons=persons)
    there = min(expected, 3)
    np.testing.assert_allclose(clip[..., :there], as_pyskl(first)[..., :there], atol=1e-6)
    assert clip.shape[3] == expected
    assert not clip[..., there:].any()
    assert notes == ([f"{3 - expected} more persons left out"] if expected < 3 else [])


def test_one_person_is_enough_where_no_clip_has_two(file):
    write(file, annotation("a"), annotation("b"))
    assert pyskl.source(file).describe().persons == 1
    assert "at least 1" in refused(pyskl.source, file, persons=0)


@pytest.mark.parametrize(
    ("splits", "protocols"),
    [
        (
            {"xsub_train": "ab", "xsub_val": "c", "xview_train": "bc", "xview_val": "a"},
            {"xsub": "ab|c", "xview": "bc|a"},
        ),
        ({"train1": "a", "test1": "b", "train2": "b", "test2": "a"}, {"split1": "a|b", "split2": "b|a"}),
        ({"train": "ca", "val": "b"}, {"split": "ac|b"}),
        ({"sub_train_3": "a", "sub_test_3": "b"}, {"sub3": "a|b"}),
        # two tests: the one to choose a model by
        ({"x_train": "a", "x_test": "b", "x_val": "c"}, {"x": "a|c"}),
        (
            {"x_train": "a", "y_val": "b", "z_train": "a", "z_val": "b", "../up_train": "a", "../up_val": "b"},
            {"z": "a|b"},
        ),
    ],
)
def test_splits_in_pairs_are_protocols(splits, protocols, file):
    split = {name: list(names) for name, names in splits.items()}
    source = pyskl.source(write(file, annotation("a", 5), annotation("b"), annotation("c"), split=split))
    found = {
        protocol: "|".join("".join(each.name for each in rows) for rows in pair.values())
        for protocol, pair in source.protocols().items()
    }
    assert found == protocols
    assert all(list(pair) == ["train", "val"] for pair in source.protocols().values())
    used = set("".join(protocols.values()))
    assert source.left_out() == {name: "in no pair of splits" for name in "abc" if name not in used}
    assert list(source.describe().classes) == list("012345")


def test_names_and_labels_that_are_not_there(file):
    split = {"train": ["a", "x", "u", "v"], "val": ["b"]}
    source = pyskl.source(
        write(file, annotation("a"), annotation("u", None), annotation("v", -1), annotation("b"), split=split)
    )
    assert [each.name for each in source.protocols()["split"]["train"]] == ["a"]
    assert source.left_out() == {
        "u": "without a label",
        "v": "without a label",
        "x": "in a split, but without annotation",
    }


def test_a_source_is_small_and_reads_its_file_once(file, monkeypatch):
    names = [f"clip{number}" for number in range(200)]
    write(file, *(annotation(name) for name in names), split={"train": names[1:], "val": names[:1]})
    loads = []
    load = annotation_file.unpickling.load
    monkeypatch.setattr(annotation_file.unpickling, "load", lambda opened: loads.append(opened.name) or load(opened))
    source = pyskl.source(file)
    source.describe()
    copy = pickle.loads(pickle.dumps(source))
    assert len(pickle.dumps(source)) < 1024
    for recording in copy.protocols()["split"]["train"]:
        copy.read(recording)
    assert loads == [str(file)]
    # a file that has changed is another one
    write(file, annotation("a"), annotation("b"))
    assert list(pyskl.source(file).protocols()) == ["xsub"]
    assert len(loads) == 2


BROKEN = {
    "no keypoint": ({"keypoint": None}, "keypoint"),
    "objects": ({"keypoint": np.array([[[[None, 1]]]])}, "keypoint"),
    "shape": ({"keypoint": np.ones((4, 17, 2))}, "keypoint"),
    "packed": ({"keypoint": np.ones((4, 17, 3)), "frame_inds": np.arange(4)}, "unpack"),
    "joints": ({"keypoint": np.ones((1, 4, 18, 2)), "keypoint_score": None}, "18"),
    "scores": ({"keypoint_score": np.ones((1, 4, 16))}, "keypoint_score"),
    "score type": ({"keypoint_score": "high"}, "keypoint_score"),
    "image": ({"img_shape": (0, 640)}, "img_shape"),
    "image type": ({"img_shape": ("480", "640")}, "img_shape"),
    "no image": ({"img_shape": 5}, "img_shape"),
    "far": ({"keypoint": np.full((1, 4, 17, 2), 1e30)}, "frame 0"),
    "infinite": ({"keypoint": np.full((1, 4, 17, 2), np.inf)}, "frame 0"),
    "far scores": ({"keypoint_score": np.full((1, 4, 17), 1e300)}, "frame 0"),
    "nobody": ({"keypoint_score": np.zeros((1, 4, 17))}, "nobody"),
    "no frames": ({"keypoint": np.ones((1, 0, 17, 2)), "keypoint_score": None}, "nobody"),
    "no persons": ({"keypoint": np.ones((0, 4, 17, 2)), "keypoint_score": None}, "nobody"),
}


@pytest.mark.parametrize(("changes", "why"), BROKEN.values(), ids=BROKEN)
def test_a_broken_annotation_is_named(changes, why, file):
    message = refused(read, write(file, annotation("b"), annotation("a", **changes)))
    assert str(file) in message
    assert "'a'" in message
    assert why in message


def test_confidence_needs_scores(file):
    write(file, annotation("a", keypoint_score=None), annotation("b"))
    assert "keypoint_score" in refused(read, file, confidence=True)
    write(file, in_3d("a"), in_3d("b"))
    assert "2-D" in refused(pyskl.source(file, confidence=True).describe)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ([annotation("a")], "older form"),
        (3, "int"),
        ({}, "annotations"),
        ({"annotations": [], "split": {}}, "no annotations"),
        ({"annotations": [annotation("a")]}, "split"),
        ({"annotations": [annotation("a")], "split": {"train": "ab"}}, "'train'"),
        ({"annotations": [annotation("a")], "split": {"train": [1]}}, "'train'"),
        ({"annotations": [annotation("a")], "split": {3: ["a"]}}, "3"),
        ({"annotations": [annotation("a")], "split": {"train": ["a"]}}, "pair"),
        ({"annotations": [annotation("a"), 5], "split": {}}, "annotation 1"),
        ({"annotations": [{"keypoint": np.ones((1, 1, 17, 2))}], "split": {}}, "annotation 0"),
        ({"annotations": [annotation("a"), annotation("a")], "split": {}}, "'a'"),
        ({"annotations": [None, annotation("a", keypoint=1)], "split": {}}, "'a'"),
    ],
)
def test_a_pickle_of_something_else(content, why, file):
    file.write_bytes(pickle.dumps(content))
    message = refused(pyskl.source(file).protocols)
    assert str(file) in message
    assert why in message


def test_a_file_that_is_no_pickle_or_would_run_code(file, tmp_path):
    file.write_bytes(b"no pickle")
    assert str(file) in refused(pyskl.source(file).describe)
    file.write_bytes(pickle.dumps({"annotations": [print], "split": {}}))
    assert "print" in refused(pyskl.source(file).describe)
    for path in (tmp_path, tmp_path / "none.pkl"):
        assert str(path) in refused(pyskl.source(path).describe)


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Which examples share."""
    return tmp_path_factory.mktemp("damaged") / "set.pkl"


OPTIONS = st.fixed_dictionaries({}, optional={"confidence": st.just(True), "persons": st.integers(1, 3)})


def either_clips_or_an_error(file: Path, content: bytes, **options: Any) -> None:
    file.write_bytes(content)
    annotation_file._load.cache_clear()
    source = pyskl.source(file, **options)
    try:
        known = source.describe()
        protocols = source.protocols()
        assert isinstance(source.left_out(), dict)
    except UserError as error:
        assert str(file) in str(error)
        assert "\n" not in str(error)
        return
    for recording in (each for pair in protocols.values() for rows in pair.values() for each in rows):
        assert 0 <= recording.label < len(known.classes)
        try:
            clip = source.read(recording).clip
        except ClipError as error:
            assert repr(recording.part) in str(error)
        else:
            joints = layouts.get(known.layout).num_joints
            assert (clip.shape[0], *clip.shape[2:]) == (known.coordinates, joints, known.persons)
            assert np.isfinite(clip).all()


@settings(max_examples=50, deadline=None)
@given(data=st.data(), options=OPTIONS)
def test_damaged_bytes_give_clips_or_an_error(damaged, data, options):
    content = bytearray(write(damaged, annotation("a", frames=1), annotation("b", frames=1)).read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    either_clips_or_an_error(damaged, bytes(content[: data.draw(st.integers(0, 2 * len(content)))]), **options)


def filled(shape: tuple[int, ...], value: float, dtype: str) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.full(shape, value).astype(dtype)


shapes = st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from([16, 17]), st.integers(1, 4)) | st.just(
    (17, 2)
)
arrays = st.builds(
    filled,
    shapes,
    st.sampled_from([0, 1, 0.5, 300, np.nan, np.inf, 1e300]),
    st.sampled_from(["f2", "f4", "f8", "O", "U3"]),
)
anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=2) | st.just([1, 2]) | arrays
changes = st.dictionaries(
    st.sampled_from(["frame_dir", "label", "img_shape", "keypoint", "keypoint_score"]), anything, max_size=2
)
splits = st.dictionaries(
    st.sampled_from(["train", "val", "x_train", "x_test", 1, None]), st.lists(st.sampled_from("abc"))
)


@pytest.mark.filterwarnings("error")
@settings(max_examples=100, deadline=None)
@given(
    two=st.tuples(changes, changes),
    whole=st.dictionaries(
        st.sampled_from(["annotations", "split"]), splits | anything | st.lists(anything), max_size=1
    ),
    options=OPTIONS,
)
def test_pickles_of_other_types(damaged, two, whole, options):
    annotations = [{**annotation(name, frames=2), **changed} for name, changed in zip("ab", two)]
    either_clips_or_an_error(damaged, pickle.dumps({"annotations": annotations, "split": ONE_PAIR, **whole}), **options)
