"""NTU's text files: prepared by hand's reckoning and by upstream's own scripts; damaged ones refused in one line."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ntu_files import REST, Frames, prepare_upstream, random_scene, scene, stops_upstream, text_of

from ctrgcn_plugin.data import ntu, skeleton_files
from ctrgcn_plugin.errors import ClipError


def person(frames: int, speed: float = 0.125, x: float = 0, z: float = 2, width: float = 0) -> np.ndarray:
    """(T, 25, 3): 3 m tall, going sideways. In binary fractions, so that sums are exact."""
    joints = np.zeros((frames, 25, 3), np.float32)
    joints[..., 0] = x + speed * np.arange(frames)[:, None]
    joints[:, 0, 0] += width
    joints[..., 1] = np.arange(25) / 8
    joints[..., 2] = z
    return joints


def absent(frames: int) -> np.ndarray:
    return np.full((frames, 25, 3), np.nan, np.float32)


def prepared(first: np.ndarray, second: np.ndarray | None = None) -> np.ndarray:
    """What a clip is to be, said by who is where: (T, 25, 3) as written in the file, NaN where a person is absent."""
    people = np.stack([first, absent(len(first)) if second is None else second])
    start = int(np.nan_to_num(first).any(axis=(1, 2)).argmax())
    return np.nan_to_num(people - first[start, 1]).transpose(3, 1, 2, 0)


def with_zeros(joints: np.ndarray, *frames: int) -> np.ndarray:
    joints = joints.copy()
    joints[list(frames)] = 0
    return joints


def cancelling(joints: np.ndarray, frame: int) -> np.ndarray:
    """Coordinates that add up to nothing in one frame, though they are not zero."""
    joints = with_zeros(joints, frame)
    joints[frame, 3, 0], joints[frame, 4, 0] = 1, -1
    return joints


join = np.concatenate
slow, quick = functools.partial(person, speed=0.125), functools.partial(person, speed=0.25, x=-1)
flat = functools.partial(person, width=4)

# name -> what is in the file, what it is to become
SCENES: dict[str, tuple[Frames, np.ndarray]] = {
    "one person": (scene(5, a=(0, slow(5))), prepared(slow(5))),
    "one frame": (scene(1, a=(0, slow(1))), prepared(slow(1))),
    "empty frames at both ends": (scene(9, a=(2, slow(5))), prepared(slow(5))),
    "empty frames in the middle": (
        scene(4, a=(0, slow(4))) + [[], []] + scene(3, a=(0, quick(3))),
        prepared(join([slow(4), quick(3)])),
    ),
    "one person's zeros are kept": (scene(5, a=(0, with_zeros(slow(5), 0, 3))), prepared(with_zeros(slow(5), 0, 3))),
    "one wide body": (scene(5, a=(0, flat(5))), prepared(flat(5))),
    "who moves more is first": (scene(20, a=(0, slow(20)), b=(0, quick(20))), prepared(quick(20), slow(20))),
    "who is first in the file is first of two that move alike": (
        scene(20, b=(0, slow(20)), a=(0, slow(20, z=3))),
        prepared(slow(20), slow(20, z=3)),
    ),
    "the second comes late": (
        scene(30, a=(0, quick(30)), b=(10, slow(20))),
        prepared(quick(30), join([absent(10), slow(20)])),
    ),
    "the first comes late": (
        scene(30, a=(0, slow(30)), b=(10, quick(20))),
        prepared(join([absent(10), quick(20)]), slow(30)),
    ),
    "a short body is none": (scene(20, a=(0, slow(20)), b=(0, quick(11))), prepared(slow(20))),
    "a body of twelve frames is one": (
        scene(20, a=(0, slow(20)), b=(0, quick(12, speed=2))),
        prepared(join([quick(12, speed=2), absent(8)]), slow(20)),
    ),
    "a frame goes that only a short body was in": (
        scene(20, a=(0, slow(14)), b=(12, quick(8))),
        prepared(slow(14)),
    ),
    "frames without either go": (
        scene(40, a=(0, slow(14)), b=(9, quick(11)), c=(20, quick(20))),
        prepared(join([slow(14), quick(20)])),
    ),
    "a wide body is none": (scene(20, a=(0, slow(20)), b=(0, flat(20, speed=2))), prepared(slow(20))),
    "wide in two thirds of the frames is not wide": (
        scene(21, a=(0, slow(21)), b=(0, join([flat(14), slow(7)]))),
        prepared(slow(21), join([flat(14), slow(7)])),
    ),
    "of wide bodies the last stays": (
        scene(20, a=(0, flat(20, speed=2)), b=(0, flat(20))),
        prepared(flat(20)),
    ),
    "wide frames do not count as motion": (
        scene(20, a=(0, join([flat(10, speed=4), slow(10)])), b=(0, quick(20))),
        prepared(quick(20), join([flat(10, speed=4), slow(10)])),
    ),
    "a body that comes back closes up": (
        scene(30, a=(0, slow(30)), b=(0, quick(10))) + scene(10, a=(0, slow(10)), b=(5, quick(5))),
        prepared(join([slow(30), slow(10)]), join([quick(10), quick(5), absent(25)])),
    ),
    "a body goes on after the first's end": (
        scene(40, a=(0, quick(20)), b=(20, slow(20)), c=(0, slow(40, speed=0))),
        prepared(join([quick(20), slow(20)]), slow(40, speed=0)),
    ),
    "one frame in common is no overlap": (
        scene(39, a=(0, quick(20)), b=(19, slow(20)), c=(0, slow(39, speed=0))),
        prepared(join([quick(19), slow(20)]), slow(39, speed=0)),
    ),
    "two frames in common are": (
        scene(38, a=(0, quick(20)), b=(18, slow(20))),
        prepared(join([quick(20), absent(18)]), join([absent(18), slow(20)])),
    ),
    "a third person is nobody": (
        scene(20, a=(0, quick(20)), b=(0, slow(20)), c=(0, slow(20, speed=0))),
        prepared(quick(20), slow(20)),
    ),
    "who is only there before the second is nobody": (
        scene(40, a=(0, quick(40)), b=(20, slow(20)), c=(0, slow(15, speed=0))),
        prepared(quick(40), join([absent(20), slow(20)])),
    ),
    "coordinates that cancel out, of one": (scene(5, a=(0, cancelling(slow(5), 2))), prepared(cancelling(slow(5), 2))),
    "coordinates that cancel out, of the last": (
        scene(20, a=(0, cancelling(slow(20), 5)), b=(0, flat(20))),
        prepared(np.delete(slow(20), 5, axis=0)),
    ),
    "coordinates that cancel out, of the second": (
        scene(20, a=(0, quick(20)), b=(0, cancelling(slow(20), 5))),
        prepared(quick(20), join([slow(20)[:5], absent(1), slow(20)[6:]])),
    ),
    "twice in a frame, where there is room": (
        [[("a", slow(1)[0]), *scene(1, a=(0, slow(1)), b=(0, quick(1)))[0]]]
        + scene(19, a=(0, slow(14)[1:]), b=(0, quick(20)[1:])),
        prepared(quick(20), join([slow(1), slow(14), absent(5)])),
    ),
}

# upstream's scripts stop with an IndexError here, unless patched
ALL_SHORT = (scene(8, a=(0, slow(8)), b=(0, quick(8))), prepared(quick(8), slow(8)))


@pytest.fixture
def read(tmp_path):
    def read_text(content: str | bytes) -> np.ndarray:
        path = tmp_path / "clip.skeleton"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return ntu.read(path)

    return read_text


@pytest.mark.parametrize("name", SCENES)
def test_prepared_as_reckoned_by_hand(read, name):
    frames, expected = SCENES[name]
    clip = read(text_of(frames))
    assert clip.dtype == np.float32
    np.testing.assert_array_equal(clip, expected)


def test_bodies_of_which_all_are_short_are_kept(read):
    np.testing.assert_array_equal(read(text_of(ALL_SHORT[0])), ALL_SHORT[1])


def test_width_is_compared_in_double_precision(read):
    """0.8 is a little more as float32 than as float64: at this width it matters which one is meant."""
    other = quick(20)
    other[..., 1] /= 3
    other[..., 0] = 0
    other[:, 0, 0] = 0.8
    np.testing.assert_array_equal(read(text_of(scene(20, a=(0, slow(20)), b=(0, other)))), prepared(slow(20)))


def test_what_is_not_used_need_not_be_a_number(read):
    frames, expected = SCENES["one person"]
    np.testing.assert_array_equal(read(text_of(frames).replace("NaN", "-1.#IND")), expected)


def test_lines_may_end_as_on_windows_and_more_may_follow(read):
    frames, expected = SCENES["one person"]
    np.testing.assert_array_equal(read(text_of(frames).replace("\n", "\r\n") + "\n1\n"), expected)


@pytest.fixture(scope="module")
def prepared_by_upstream(checkout_root, python, tmp_path_factory):
    """name -> (frames, the clip that upstream's three scripts make of them)."""
    rng = np.random.default_rng(0)
    cases = {name: frames for name, (frames, _) in SCENES.items()}
    cases.update({f"random {i}": random_scene(rng) for i in range(100)})
    cases = {name: frames for name, frames in cases.items() if not stops_upstream(frames)}
    names = [f"S001C001P001R001A{i:03}" for i in range(len(cases))]
    folder = prepare_upstream(
        checkout_root, python, tmp_path_factory.mktemp("prepared"), dict(zip(names, cases.values()))
    )
    lengths = np.loadtxt(folder / "denoised_data/frames_cnt.txt", dtype=int)
    # all clips are of camera 1, which is for testing in the cross-view split
    clips = np.load(folder / "xview/val_data.npy")
    assert len(clips) == len(cases)
    return {name: (frames, clip[:, :length]) for (name, frames), clip, length in zip(cases.items(), clips, lengths)}


def test_equal_to_upstream_to_the_last_bit(prepared_by_upstream, read):
    assert len(prepared_by_upstream) > len(SCENES) + 50
    for name, (frames, upstream) in prepared_by_upstream.items():
        clip = read(text_of(frames))
        assert clip.shape == upstream.shape, name
        np.testing.assert_array_equal(clip.view(np.uint32), upstream.copy().view(np.uint32), err_msg=name)


WHOLE = text_of(scene(2, a=(0, slow(2))))


def changed(line: int, text: str) -> str:
    lines = WHOLE.split("\n")
    lines[line - 1] = text
    return "\n".join(lines)


BAD_FILES: dict[str, tuple[str | bytes, list[str]]] = {
    "empty": ("", ["is empty"]),
    "binary": (b"\x93NUMPY\x01\x00\xff", ["cannot be read as text"]),
    "prose": ("hello world\n", ["line 1 has 2 columns", "the number of frames"]),
    "word": ("hello\n", ["line 1 has 'hello'", "the number of frames"]),
    "negative": (changed(1, "-2"), ["line 1", "'-2'"]),
    "digits without end": ("9" * 10000, ["line 1", "9" * 40 + "'"]),
    "bodies": (changed(2, "one"), ["line 2", "'one'", "the number of bodies"]),
    "blank line": (changed(3, ""), ["line 3 has 0 columns", "a body's id"]),
    "no body's line": (changed(3, "7 0 1"), ["line 3 has 3 columns", "would be 10"]),
    "joints": (changed(4, "20"), ["line 4 says 20 joints", "25"]),
    "columns": (changed(7, "1 2 3"), ["line 7 has 3 columns", "joint 3", "would be 12"]),
    "words": (changed(7, f"1 two 3 {REST}"), ["line 7", "'1 two 3'"]),
    "NaN": (changed(7, f"1 NaN 3 {REST}"), ["line 7 has NaN"]),
    "too large for float32": (changed(29, f"1 2 1e39 {REST}"), ["line 29 has NaN or infinity"]),
    "cut off after a line": ("\n".join(WHOLE.split("\n")[:40]) + "\n", ["cut off", "after line 40", "joint 9"]),
    "only a number": ("7", ["cut off", "after line 1", "the number of bodies"]),
    "no frames": ("0\n", ["nobody"]),
    "nobody in any frame": ("3\n0\n0\n0\n", ["nobody in any of its frames"]),
    "zeros": (text_of(scene(3, a=(0, np.zeros((3, 25, 3))))), ["only zeros"]),
    "zeros of several": (text_of(scene(3, a=(0, np.zeros((3, 25, 3))), b=(1, np.zeros((2, 25, 3))))), ["only zeros"]),
    "twice in a frame": (text_of([[("b", slow(1)[0])] * 2]), ["body b twice in one frame"]),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_refuses_a_file(read, case):
    content, says = BAD_FILES[case]
    with pytest.raises(ClipError) as caught:
        read(content)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400
    assert all(part in message for part in ["clip.skeleton", *says]), message


def test_missing_file(tmp_path):
    for path in (tmp_path / "none.skeleton", tmp_path):
        with pytest.raises(ClipError, match=r"no clip at .*; give a \.skeleton file"):
            ntu.read(path)


anything = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@anything
@given(st.integers(0, len(WHOLE) - 2))
@example(len(WHOLE) - 2)
def test_no_cut_goes_unnoticed(read, end):
    with pytest.raises(ClipError):
        read(WHOLE[:end])


@anything
@given(st.integers(1, WHOLE.count("\n")), st.text(st.characters(codec="utf-8")) | st.sampled_from(WHOLE.split("\n")))
def test_a_changed_line_is_refused_or_gives_a_clip(read, line, text):
    try:
        clip = read(changed(line, text))
    except ClipError as error:
        assert "\n" not in str(error)
    else:
        assert clip.shape[0] == 3 and clip.shape[2:] == (25, 2) and np.isfinite(clip).all()


NOTES = {
    "one person": [],
    "empty frames in the middle": ["2 frames dropped: nobody in them"],
    "a short body is none": ["body b left out: 11 frames, people have more than 11"],
    "a wide body is none": ["body b left out: wider than a person in 100% of its frames"],
    "a third person is nobody": ["body c left out: both persons' time is taken by bodies that move more"],
    "a frame goes that only a short body was in": [
        "body b left out: 8 frames, people have more than 11",
        "6 frames dropped: no coordinates of those who are left",
    ],
}


@pytest.mark.parametrize("name", NOTES)
def test_what_is_left_out_of_a_clip_is_noted(tmp_path, name):
    path = tmp_path / "clip.skeleton"
    path.write_text(text_of(SCENES[name][0]))
    assert ntu.prepared(path).notes == NOTES[name]


def both_ways(path: Path) -> tuple[skeleton_files.Appearances | None, skeleton_files.Appearances | None]:
    """The file read at once and line by line; None for one that is not read."""
    try:
        slow = skeleton_files.line_by_line(path)
    except ClipError:
        slow = None
    return skeleton_files.at_once(path), slow


def assert_equal(one: skeleton_files.Appearances, other: skeleton_files.Appearances) -> None:
    assert one[:4] == other[:4]
    np.testing.assert_array_equal(one.joints.view(np.uint32), other.joints.view(np.uint32))


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("more", ["", "1 2\n3"])
def test_regular_files_are_read_at_once_and_equal_to_line_by_line(tmp_path, ending, more):
    path = tmp_path / "clip.skeleton"
    rng = np.random.default_rng(1)
    for frames in [
        *(frames for frames, _ in list(SCENES.values())[::4]),
        *(random_scene(rng) for _ in range(4)),
        [],
        [[]],
    ]:
        path.write_bytes((text_of(frames) + more).replace("\n", ending).encode())
        quick, slow = both_ways(path)
        assert_equal(quick, slow)


# what a blank, a line's end, a digit or a column may turn into
DAMAGE = ["", " ", "  ", "\t", "\n", "\r", "\r\n", " \n", "\x0b", "\x1c", "\x00", "\x85", "\u2003", "\ufeff"]
DAMAGE += ["0", "9", "-", "--", ".", "1.5", "1_0", "\u0663", "e", "1e3", "1e400", "nan", "-inf", "25", "+1", "x", "0 0"]


@anything
@given(st.data())
def test_a_file_is_never_read_at_once_where_line_by_line_refuses_or_says_otherwise(tmp_path, data):
    text = WHOLE if data.draw(st.booleans()) else WHOLE.replace("\n", "\r\n")
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, min(len(text), 400)))
        end = start + data.draw(st.integers(0, 3))
        text = text[:start] + data.draw(st.sampled_from(DAMAGE)) + text[end:]
    path = tmp_path / "clip.skeleton"
    path.write_bytes(text.encode())
    quick, slow = both_ways(path)
    if quick is not None:
        assert slow is not None
        assert_equal(quick, slow)
