"""Layout files: what may be left out, and that every mistake is one line with the file and the joint in it."""

from __future__ import annotations

import os

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrgcn_plugin import layouts
from ctrgcn_plugin.errors import ConfigError

TREE = "joints: {left_hip: hip, right_hip: hip, hip: null}\n"
LIST = "joints: [left_hip, right_hip, hip]\n"


@pytest.fixture
def written(tmp_path):
    def write(text: str | bytes):
        file = tmp_path / "mine.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


def test_both_forms_are_one_layout(written):
    first = layouts.get(written(TREE + "centre: [hip]\ntrunk: [[left_hip, right_hip]]\ndimensions: 2\n"))
    second = layouts.get(
        written(LIST + "bones: [[0, hip], [right_hip, 2]]\ncentre: [2]\ntrunk: [[0, 1]]\ndimensions: 2\nname: mine")
    )
    assert first == second
    assert first.joints == ("left_hip", "right_hip", "hip") and first.parents == (2, 2, 2)
    assert first.mirror == ((0, 1),) and first.trunk == ((0, 1),) and first.dimensions == 2


def test_what_may_be_left_out(written):
    layout = layouts.get(written("joints: {b: a, a: null, left_x: a}"))
    assert (layout.name, layout.centre, layout.mirror, layout.trunk, layout.dimensions) == ("mine", (1,), (), (), 3)
    assert layouts.get(written(TREE + "left_right: []")).mirror == ()
    assert layouts.get(written(TREE + "left_right: [[hip, left_hip]]")).mirror == ((2, 0),)


def test_a_path_is_relative_to_the_current_folder_and_read_anew(written, monkeypatch):
    file = written(TREE)
    monkeypatch.chdir(file.parent)
    assert layouts.get("mine.yaml").num_joints == 3
    written("joints: {only: null}")
    assert layouts.get("./mine.yaml").num_joints == 1
    file.rename("mine.yml")
    assert layouts.get("mine.yml").joints == ("only",)


# ten levels of ten aliases each
LEVELS = [f"&{level} [{', '.join([f'*{after}'] * 10)}]" for after, level in zip("abcdefghi", "bcdefghij")]
LAUGHS = f"name: [{', '.join(['&a [x]', *LEVELS, '*j'])}]"
MISTAKES = {
    "empty file": ("", r"it holds None; a mapping with the key joints"),
    "a list": ("[a, b]", r"it holds \['a', 'b'\]"),
    "not YAML": ("joints: {a: [", r"it cannot be read as YAML: while parsing"),
    "not UTF-8": (b"joints: {\xff: null}", r"it cannot be read as YAML: 'utf-8' codec"),
    "unknown key": (TREE + "center: [hip]", r"unknown key in layout .*mine.yaml 'center'; .* Did you mean 'centre'\?"),
    "odd key": (TREE + "{1: 2}: 3", r"it cannot be read as YAML: .*unhashable"),
    "number as key": (TREE + "7: 3", r"unknown key in layout .* '7'"),
    "key twice": (TREE + TREE, r"'joints' is there twice"),
    "no joints": ("name: x", r"joints must be a mapping of names to parents, or a list .* got None"),
    "empty joints": ("joints: {}", r"joints must be .* got \{\}"),
    "joints as text": ("joints: hip", r"joints must be .* got 'hip'"),
    "name of a joint twice": ("joints: {a: null, b: a, b: null}", r"'b' is there twice"),
    "name of a joint twice in a list": ("joints: [a, b, a]\nbones: [[b, a]]", r"joint 'a' is there twice"),
    "joint named by a number": ("joints: {1: null}", r"a joint's name must be text, .* 1$"),
    "joint named no": ("joints: [no, a]\nbones: [[0, 1]]", r"a joint's name must be text, .* False$"),
    "joint of two lines": ('joints: ["a\\nb"]\nbones: []', r"a joint's name must be text"),
    "unknown parent": (
        "joints: {hip: null, knee: hib}",
        r"unknown joint in the parent of 'knee' of .* 'hib'.* mean 'hip'",
    ),
    "parent of a wrong type": ("joints: {hip: null, knee: [hip]}", r"the parent of 'knee' has \['hip'\] where a joint"),
    "bones missing": (LIST, r"joints is a list, so bones are needed"),
    "bones too many": (TREE + "bones: []", r"joints is a mapping, which has the bones"),
    "bones as text": (LIST + "bones: hip", r"bones must be a list, got 'hip'"),
    "no bone": (LIST + "bones: [[0, 1, 2]]", r"bones has \[0, 1, 2\] where a pair of joints"),
    "out of range": (LIST + "bones: [[0, 3]]", r"bones has joint 3; the 3 joints are counted from 0"),
    "below range": (LIST + "bones: [[-1, 0]]", r"bones has joint -1"),
    "true as joint": (LIST + "bones: [[true, 0]]", r"bones has True where a joint's name or number"),
    "unknown joint": (
        LIST + "bones: [[left_hop, hip]]",
        r"unknown joint in bones of layout .* 'left_hop'.* 'left_hip'",
    ),
    "two parents": (LIST + "bones: [[0, 1], [0, 2]]", r"joint 'left_hip' has two parents, 'right_hip', 'hip'"),
    "bone of one joint": (LIST + "bones: [[1, 1]]", r"bones has joint 'right_hip' paired with itself"),
    "two roots": ("joints: {a: null, b: a, c: null}", r"'a', 'c' have no parent; one joint alone is the root"),
    "not connected": (LIST + "bones: [[0, 2]]", r"'right_hip', 'hip' have no parent"),
    "no root": ("joints: {a: b, b: a}", r"the bones have a cycle: 'a', 'b'; the root has no parent"),
    "its own parent": ("joints: {a: a}", r"the bones have a cycle: 'a';"),
    "cycle apart": ("joints: {r: null, x: a, a: b, b: c, c: a}", r"the bones have a cycle: 'a', 'b', 'c';"),
    "mirrored on itself": (TREE + "left_right: [[hip, hip]]", r"left_right has joint 'hip' paired with itself"),
    "in two pairs": (TREE + "left_right: [[0, 1], [2, 0]]", r"left_right has joint 'left_hip' in two pairs"),
    "trunk of one joint": (TREE + "trunk: [[hip]]", r"trunk has \['hip'\] where a pair"),
    "centre as text": (TREE + "centre: hip", r"centre must be a list, got 'hip'"),
    "unknown centre": (TREE + "centre: [hop]", r"unknown joint in centre of .* 'hop'"),
    "four dimensions": (TREE + "dimensions: 4", r"dimensions must be 2 or 3, got 4"),
    "dimensions as text": (TREE + "dimensions: two", r"dimensions must be 2 or 3, got 'two'"),
    "name as a number": (TREE + "name: 3", r"name must be text, got 3"),
    "billion laughs": (TREE + LAUGHS, r"name must be text, got \[\['x'\], \[\[\.\.\."),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(name, written):
    text, message = MISTAKES[name]
    file = written(text)
    with pytest.raises(ConfigError, match=message) as caught:
        layouts.get(str(file))
    assert str(file) in str(caught.value) and "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_file_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"layout no\.yaml: there is no such file in " + str(tmp_path)):
        layouts.get("no.yaml")
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(ConfigError, match=r"layout folder\.yaml: it cannot be read as YAML: .*Is a directory"):
        layouts.get("folder.yaml")
    if os.geteuid():
        (tmp_path / "shut.yaml").touch(0)
        with pytest.raises(ConfigError, match="Permission denied"):
            layouts.get("shut.yaml")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "coko",
            r"unknown graph 'coko'; available: body_25, coco, .* Did you mean 'coco'\? A layout of your own .*\.yaml",
        ),
        ("", r"unknown graph ''"),
        (3, r"graph must be a layout's name or a path ending in \.yaml, got 3"),
        ([1, 2], r"got \[1, 2\]"),
        (None, r"got None"),
    ],
    ids=str,
)
def test_a_name_that_there_is_not(name, message):
    with pytest.raises(ConfigError, match=message):
        layouts.get(name)


joints = st.one_of(st.sampled_from(["a", "b", "left_c", "right_c", "d"]), st.integers(-1, 5), st.none(), st.booleans())
pairs = st.lists(st.one_of(st.lists(joints, max_size=3), joints), max_size=5)
junk = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=6,
)
contents = st.fixed_dictionaries(
    {"joints": st.one_of(st.dictionaries(joints, joints, max_size=5), st.lists(joints, max_size=5), junk)},
    optional={
        "bones": st.one_of(pairs, junk),
        "centre": st.one_of(st.lists(joints, max_size=3), junk),
        "left_right": st.one_of(pairs, junk),
        "trunk": st.one_of(pairs, junk),
        "dimensions": st.one_of(st.integers(1, 4), junk),
        "name": st.one_of(st.text(max_size=5), junk),
    },
)


def _holds(file) -> None:
    """The file is a layout that can be used, or refused in one line."""
    try:
        layout = layouts.get(file)
    except ConfigError as error:
        assert "\n" not in str(error) and str(file) in str(error)  # noqa: PT017
        return
    count = layout.num_joints
    assert len(layout.bones) == count - 1 and layout.adjacency().shape == (3, count, count)
    for joint in range(count):
        for _ in range(count):
            joint = layout.parents[joint]
        assert joint == layout.root
    assert sorted(layout.mirrored()) == list(range(count)) and layout.dimensions in (2, 3)
    assert {*layout.centre, *(joint for pair in layout.trunk for joint in pair)} <= set(range(count))


@settings(max_examples=100, deadline=None)
@given(content=contents)
def test_any_content_is_a_layout_or_refused(tmp_path_factory, content):
    file = tmp_path_factory.getbasetemp() / "fuzzed.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    _holds(file)


TOKENS = [
    "joints",
    "bones",
    ":",
    ": ",
    "\n",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "a",
    "0",
    "null",
    "&x ",
    "*x",
    "<<",
    "!!int ",
    "!!timestamp ",
    "'",
    "\t",
    "? ",
]  # noqa: E501


@settings(max_examples=100, deadline=None)
@given(
    data=st.one_of(
        st.binary(max_size=60), st.lists(st.sampled_from(TOKENS), max_size=25).map(lambda t: "".join(t).encode())
    )
)
def test_any_bytes_are_a_layout_or_refused(tmp_path_factory, data):
    file = tmp_path_factory.getbasetemp() / "bytes.yaml"
    file.write_bytes(data)
    _holds(file)
