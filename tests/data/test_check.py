"""Each fault that the check knows is planted alone in good data: it is found where it is, and nothing else is."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from stick_figures import Data, T, good, walk

from ctrgcn_plugin import cli, layouts
from ctrgcn_plugin.data.check import check
from ctrgcn_plugin.data.checking import facts
from ctrgcn_plugin.data.checking.leaks import first_equal
from ctrgcn_plugin.data.sample import persons_in, valid_frames
from ctrgcn_plugin.errors import ClipError, ConfigError, UserError

nan, inf = np.nan, np.inf
Clips = dict[str, str]  # "split row" -> part of what is said of it, the worst clip first
CASES: dict[str, tuple[Callable[[Data], None], dict[str, Clips]]] = {}


def finds(findings: dict[str, Clips]) -> Callable:
    """Makes a case of a function that plants something; `findings` are "severity check where" -> clips."""

    def keep(plant: Callable[[Data], None]) -> Callable[[Data], None]:
        CASES[plant.__name__] = plant, findings
        return plant

    return keep


@finds({})
def nothing(data):
    pass


@finds({"problem values xsub/train": {"train 2": "6 values", "train 7": "3 values"}})
def values_that_are_none(data):
    data.train.clips[7, :, 3, 1, 0] = nan
    data.train.clips[2, :, 0, 0, 0], data.train.clips[2, :, 1, 0, 0] = inf, -inf


@finds({"problem values xsub/train": {"train 7": "1 values"}, "warning dtype xsub/train": {}})
def too_large_for_float32(data):
    data.train.clips = data.train.clips.astype(np.float64)
    data.train.clips[7, 0, 3, 1, 0] = 1e39


@finds({"problem empty xsub/train": {"train 4": "", "train 9": ""}})
def two_clips_without_anybody(data):
    data.train.clips[[4, 9]] = 0


@finds({"warning one-frame xsub/train": {"train 4": ""}})
def a_single_frame(data):
    data.train.clips[4, :, 1:] = 0


@finds({"warning gaps xsub/train": {"train 4": "2 frames", "train 0": "1 frames"}})
def nobody_for_a_while(data):
    data.train.clips[4, :, 2:4] = 0
    data.train.clips[0, :, 0] = 0


@finds({"warning first-person xsub/train": {"train 3": "1 frames"}})
def the_second_person_alone(data):
    data.train.clips[3, :, 5, :, 0] = 0


@finds({"note persons xsub/train": {}})
def never_a_second_person(data):
    data.train.clips[..., 1] = 0


@finds({"warning padding xsub/train": {"train 5": "6 frames"}})
def the_last_frame_as_padding(data):
    data.train.clips[5, :, 6:] = data.train.clips[5, :, 5:6]


@finds({"warning scale xsub/train": {"train 6": "5.", "train 3": "4."}})
def a_giant_and_a_dwarf(data):
    data.train.clips[3] *= 4.5
    data.train.clips[6] *= 0.18


@finds({"note jumps xsub/train": {"train 8": "2.", "train 1": "2."}})
def jumps(data):
    data.train.clips[8, 0, 4, 2, 0] += 1.4
    data.train.clips[1, 0, 4, 3, 0] += 1.2


@finds({"note joints xsub/train": {}})
def one_joint_that_is_zero(data):
    data.train.clips[..., 2, :] = 0


@finds({"warning joints xsub/val": {}})
def two_joints_that_are_zero(data):
    data.val.clips[..., 2:, :] = 0


@finds({"warning joints xsub/train": {}})
def a_joint_that_stands_still(data):
    there = data.train.clips[..., 2, :] != 0
    data.train.clips[..., 2, :] = 0.1 * there


@finds({"warning units xsub/train": {}, "warning units xsub/val": {}})
def millimetres(data):
    data.train.clips *= 1000
    data.val.clips *= 1000


def flatten(data, factor, unit):
    data.train.clips, data.val.clips = (split.clips[:, :2] * np.float32(factor) for split in (data.train, data.val))
    data.card.update(coordinates=2, unit=unit)
    data.layout["dimensions"] = 2


@finds({})
def pixels_that_are_normalised(data):
    flatten(data, 1, "trunks")


@finds({"warning units xsub/train": {}, "warning units xsub/val": {}})
def pixels(data):
    flatten(data, 300, "pixels")


@finds({})
def a_confidence_that_jumps(data):
    for split in (data.train, data.val):
        split.clips[:, 2] = np.where(split.clips.any(axis=1), np.arange(T)[:, None, None] % 2 * 90, 0)
    data.layout["dimensions"] = 2


@finds({"warning dtype xsub/train": {}})
def half_precision(data):
    data.train.clips = data.train.clips.astype(np.float16)


@finds({"problem labels xsub/train": {"train 8": "label 5", "train 9": "label -1"}})
def labels_outside_the_classes(data):
    data.train.labels[8:] = [5, -1]


@finds({"problem labels xsub/val": {}, "note classes xsub/val": {}})
def fewer_labels_than_clips(data):
    data.val.labels.pop()
    data.val.names.pop()


@finds({"warning classes xsub/train": {}})
def labels_from_one_on(data):
    data.train.labels = [1, 2, 3, 4, 4] * 2


@finds({"note classes xsub/train": {}})
def far_more_clips_of_one_class(data):
    data.train.clips = np.concatenate([data.train.clips, [walk(100 + row, 6) for row in range(20)]])
    data.train.names += [f"S001C001P001R{row:03}A001" for row in range(2, 22)]
    data.train.labels += [0] * 20


@finds({"note labels xsub/val": {}})
def no_clip_names(data):
    data.val.names = []


@finds({"problem labels xsub/val": {}})
def no_labels(data):
    data.left_out = ["val_label.pkl"]


@finds({"warning splits xsub": {}})
def no_split_to_test(data):
    data.left_out = ["val_data.npy"]


@finds({"problem shape xsub/val": {}})
def no_clips(data):
    data.val.clips, data.val.names, data.val.labels = data.val.clips[:0], [], []


@finds({"problem shape xsub/train": {}, "problem shape xsub/val": {}})
def other_frames_than_the_card_has(data):
    data.card["frames"] = 300


@finds({"problem shape xsub/val": {}})
def other_clips_than_the_card_counts(data):
    data.card["protocols"] = {"xsub": {"train": 10, "val": 6}}


@finds({"problem shape xsub/train": {}, "problem shape xsub/val": {}})
def another_layout(data):
    data.layout["joints"] = {"hip": None, "chest": "hip"}


@finds({"problem shape xsub/val": {}, "warning splits xsub": {}})
def splits_of_other_lengths(data):
    data.val.clips = data.val.clips[:, :, : T - 1]


@finds({"problem shape xsub/val": {}, "problem splits xsub": {}})
def splits_of_other_persons(data):
    data.val.clips = data.val.clips[..., :1]


THIRD = {"train 4": "subject 003", **{f"val {row}": "subject 003" for row in range(5)}}


@finds({"problem leak xsub": THIRD})
def a_subject_on_both_sides(data):
    data.train.names[4] = "S001C001P003R002A005"


@finds({"problem leak xsub": {"train 3": "subject ann", "val 0": "subject ann"}})
def a_subject_that_only_the_report_knows(data):
    data.train.names, data.val.names = ([f"{split}{row}" for row in range(10)] for split in ("train", "val"))
    data.val.names = data.val.names[:5]
    data.report = "clip,outcome,subject\ntrain3,ok,ann\nval0,ok,ann\nval1,ok,bob\nval2,ok,\n"


@finds(
    {
        "problem leak xview": {
            f"{split} {row}": "view 001" for split, n in (("train", 10), ("val", 5)) for row in range(n)
        }
    }
)
def a_view_on_both_sides(data):
    data.protocol = "xview"


def share_a_subject_of_two_views(data, protocol):
    data.protocol = protocol
    data.train.names[4] = "S001C001P003R002A005"
    data.val.names = [name.replace("C001", "C002") for name in data.val.names]


@finds({})
def views_that_keep_the_sides_apart(data):
    share_a_subject_of_two_views(data, "xview")


@finds({})
def views_that_do_so_in_an_unknown_protocol(data):
    share_a_subject_of_two_views(data, "mine")


@finds({"problem leak xsub": THIRD})
def views_where_subjects_should(data):
    share_a_subject_of_two_views(data, "xsub")


@finds({"warning leak mine": THIRD})
def an_unknown_protocol_with_nothing_that_keeps_the_sides_apart(data):
    a_subject_on_both_sides(data)
    data.protocol = "mine"


@finds({"warning names xsub": {"train 5": ""}})
def a_name_twice(data):
    data.train.names[5] = data.train.names[2]


@finds({"problem leak mine": {"val 1": ""}})
def a_name_on_both_sides(data):
    data.protocol = "mine"
    data.train.names, data.val.names = list("abcdefghij"), list("vbxyz")


@finds({"warning duplicates xsub": {"train 5": "S001C001P001R001A001 (train row 0)"}})
def a_clip_twice(data):
    data.train.clips[5] = data.train.clips[0]


@finds({"problem contradiction xsub": {"train 6": "labels 1 and 0"}})
def a_clip_twice_with_two_labels(data):
    data.train.clips[6] = data.train.clips[0]


@finds({"problem leak xsub": {"val 2": "S001C001P002R001A003 (train row 7)"}})
def a_clip_on_both_sides(data):
    data.val.clips[2] = data.train.clips[7]


@finds({"problem contradiction xsub": {"val 1": "labels 1 and 2"}})
def a_clip_on_both_sides_with_two_labels(data):
    data.val.clips[1] = data.train.clips[7]


@pytest.mark.parametrize("case", CASES)
def test_finds_what_is_planted_and_nothing_else(tmp_path, case):
    plant, expected = CASES[case]
    data = good()
    plant(data)
    report = check(data.write(tmp_path / "data"))
    found = {f"{finding.severity} {finding.check} {finding.where}": finding for finding in report.findings}
    assert len(found) == len(report.findings) and set(found) == set(expected), "\n".join(report.lines())
    for key, clips in expected.items():
        assert [f"{clip.split} {clip.row}" for clip in found[key].clips] == list(clips)
        for clip, said in zip(found[key].clips, clips.values()):
            names = getattr(data, clip.split).names
            assert said in clip.detail and clip.name == names[clip.row]
    assert len(report.problems) == sum(key.startswith("problem") for key in expected)


SHAPES = {
    (2, 3, 4, 25, 2): "ntu_rgb_d (by its 25 joints, and 3 coordinates; with so many joints: body_25, ntu_rgb_d)",
    (2, 2, 4, 25, 1): "body_25 (by its 25 joints, and 2 coordinates",
    (2, 3, 4, 20, 1): "kinect_v1 (by its 20 joints; with so many joints: kinect_v1)",
    (2, 3, 4, 5, 1): "unknown (shipped with 5 joints: none; name yours with --layout",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_layout_by_shape(tmp_path, shape):
    np.save(tmp_path / "train_data.npy", np.ones(shape, np.float32))
    assert check(tmp_path).layout.startswith(SHAPES[shape])


def test_layout_as_asked_for(tmp_path):
    data = good()
    data.left_out = ["dataset.yaml"]
    folder = data.write(tmp_path / "data")
    assert not check(folder, str(folder / "layout.yaml")).findings
    report = check(folder)
    assert report.layout.startswith("unknown") and not report.findings
    with pytest.raises(ConfigError, match="unknown graph 'nut'"):
        check(folder, "nut")
    assert {finding.check for finding in check(folder, "coco").findings} >= {"shape"}


def test_data_in_the_folder_itself_with_the_card_above_and_labels_as_npy(tmp_path):
    data = good()
    folder = data.write(tmp_path / "data") / "xsub"
    (folder / "val_label.pkl").unlink()
    np.save(folder / "val_label.npy", data.val.labels)
    report = check(folder)
    assert report.layout == "layout (as dataset.yaml says)" and set(report.overview) == {"xsub/train", "xsub/val"}
    assert [finding.what for finding in report.findings] == ["the label file has no clip names"]


def test_a_card_above_that_knows_nothing_of_the_folder_is_no_card(tmp_path):
    data = good()
    data.card["protocols"] = {"xview": {"train": 10, "val": 5}}
    assert check(data.write(tmp_path / "data") / "xsub").layout.startswith("unknown")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("dataset.yaml", {"frames": "many"}, "has frames 'many'"),
        ("dataset.yaml", {"classes": None}, "has classes None"),
        ("dataset.yaml", {"protocols": {"xsub": 3}}, "has protocols {'xsub': 3}"),
        ("dataset.yaml", {"layout": "lost.yaml"}, "lost.yaml: there is no such file"),
        ("dataset.yaml", {"more": 1}, "is no description of a prepared data set"),
        ("report.csv", b"clip,subject\n\xff,a\n", "is no report of a preparation"),
    ],
)
def test_refuses_what_is_damaged_beside_the_data(tmp_path, name, content, said):
    data = good()
    data.card.update(content if isinstance(content, dict) else {})
    folder = data.write(tmp_path / "data")
    if isinstance(content, bytes):
        (folder / name).write_bytes(content)
    with pytest.raises(ClipError) as caught:
        check(folder)
    assert name in str(caught.value) and said in str(caught.value) and "\n" not in str(caught.value)


def test_few_classes_are_no_use_for_top_5(tmp_path):
    data = good()
    data.left_out = ["dataset.yaml"]
    for split in (data.train, data.val):
        split.labels = [label % 3 for label in split.labels]
    assert [finding.what for finding in check(data.write(tmp_path / "data")).findings] == [
        "there are 3 classes, so top-5 accuracy says nothing"
    ]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("xsub/train_data.npy", b"", "cannot be read as a .npy file"),
        ("xsub/train_data.npy", b"\x93NUMPY\x01\x00", "cannot be read as a .npy file"),
        ("xsub/train_label.pkl", b"cos\nsystem\n(S'true'\ntR.", "it wants to run os.system"),
        ("xsub/train_label.pkl", pickle.dumps((["a"], [[1], [2]])), "N whole numbers are needed"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_problem_beside_others(tmp_path, name, content, said):
    data = good()
    data.val.clips[3] = 0
    folder = data.write(tmp_path / "data")
    (folder / name).write_bytes(content)
    first, second = check(folder).problems
    assert said in first.what and second.check == "empty"


@pytest.mark.parametrize("folder", ["none", "empty", "dataset.yaml"])
def test_no_data(tmp_path, folder):
    good().write(tmp_path / "data")
    (tmp_path / "data" / "empty").mkdir()
    with pytest.raises(ClipError, match=r"train_data\.npy or val_data\.npy"):
        check(tmp_path / "data" / folder)


def test_the_report_in_words_and_for_programs(tmp_path, capsys):
    data = good()
    data.train.clips[1:6, :, 0] = nan
    folder = data.write(tmp_path / "data")
    assert cli.main(["data", "check", str(folder)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 120
    assert re.fullmatch(r"xsub/train +10 +3 x 12 x 4 x 2 +float32 +6 to 10, median 8 +2 +5 +0\.5\d*", lines[2])
    assert "problem  xsub/train, values: 5 of 10 clips have values that are NaN or infinite" in lines
    # NaN in both persons, also in the one who is not there; three clips are shown
    assert any("S001C001P001R001A002 (train row 1): 24 values" in line for line in lines)
    assert any(line.endswith("and 2 more") for line in lines) and lines[-1].endswith("data: 1 problem")
    assert cli.main(["data", "check", str(folder), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    (finding,) = report["findings"]
    assert [clip["row"] for clip in finding["clips"]] == [1, 2, 3, 4, 5] and report["problems"] == 1
    assert cli.main(["data", "check", str(good().write(tmp_path / "good"))]) == 0
    assert capsys.readouterr().out.endswith("good: nothing found\n")


# what is measured, against its plain form

LAYOUT = layouts.Layout("three", ("a", "b", "c"), (0, 0, 1), trunk=((0, 1), (1, 2)), dimensions=2)
VALUES = st.sampled_from([0.0, 0.0, 1.0, -2.0, 0.5, 3.0, nan, inf, -inf])
CLIPS = arrays.arrays(
    np.float32, st.tuples(st.just(3), st.integers(1, 5), st.just(3), st.integers(1, 3)), elements=VALUES
)


@settings(max_examples=50, deadline=None)
@given(CLIPS)
@example(np.zeros((3, 2, 3, 1), np.float32))
def test_measures_are_those_of_their_plain_form(clip):
    frames = valid_frames(clip)
    there = [[m for m in range(clip.shape[3]) if clip[:, t, :, m].any()] for t in range(frames)]
    space = np.where(np.isfinite(clip[:2]), clip[:2], nan).astype(np.float64)
    steps, lengths, reach = [[0.0] for _ in range(3)], [], [[0.0] for _ in range(3)]
    for t, persons in enumerate(there):
        for m in persons:
            length = np.mean([np.linalg.norm(space[:, t, a, m] - space[:, t, b, m]) for a, b in LAYOUT.trunk])
            lengths += [length] if length > 0 else []
            for v in range(3):
                reach[v] += [abs(value) for value in space[:, t, v, m] if value == value]
                if t and m in there[t - 1]:
                    step = np.linalg.norm(space[:, t, v, m] - space[:, t - 1, v, m])
                    steps[v] += [step] if step == step else []
    repeated = 0
    while repeated < frames - 1 and np.array_equal(space[:, frames - 1 - repeated], space[:, frames - 2 - repeated]):
        repeated += 1
    known = [m for m in range(clip.shape[3]) if any(value and np.isfinite(value) for value in clip[..., m].flat)]
    values = [
        value for t, persons in enumerate(there) for m in persons if m in known for value in clip[:, t, :, m].flat
    ]
    lost = np.mean(~np.isfinite(values)) if known else float(clip.any())
    expected = {
        "frames": frames,
        "nan": np.isnan(clip).sum(),
        "infinite": np.isinf(clip).sum(),
        "gaps": sum(not persons for persons in there),
        "headless": sum(bool(persons) and 0 not in persons for persons in there),
        "repeated": repeated,
        "lost": lost,
        "persons": [any(m in persons for persons in there) for m in range(clip.shape[3])],
        "reach": [max(values) for values in reach],
        "step": [max(values) for values in steps],
        "trunk": sorted(lengths)[len(lengths) // 2] if lengths else nan,
    }
    measured = facts.measure(clip, LAYOUT)
    for name, value in expected.items():
        np.testing.assert_allclose(getattr(measured, name), value, rtol=1e-6, err_msg=name)


@settings(max_examples=50, deadline=None)
@given(CLIPS, CLIPS)
def test_the_content_is_what_is_in_the_clip_without_padding(clip, other):
    def seen(clip):
        return clip[:, : valid_frames(clip), :, : persons_in(clip)]

    padded = np.pad(clip, ((0, 0), (0, 4), (0, 0), (0, 1)))
    assert facts.measure(padded).content == facts.measure(clip).content
    same = seen(clip).shape == seen(other).shape and np.array_equal(seen(clip), seen(other), equal_nan=True)
    assume(clip.any() or other.any())
    assert (facts.measure(clip).content == facts.measure(other).content) == same


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 5)), st.lists(st.integers(0, 5)))
def test_first_equal(values, among):
    plain = [among.index(value) if value in among else -1 for value in values]
    assert first_equal(values, among).tolist() == plain


SPARSE = """
import resource, sys
from pathlib import Path
from ctrgcn_plugin.data.check import check
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
report = check(Path(sys.argv[1]))
assert len(report.problems[-1].clips) == 150
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_does_not_grow_with_the_file(tmp_path):
    """64 MB of holes, which take no room on the disk."""
    shape = (150, 3, 711, 25, 2)
    with (tmp_path / "train_data.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        file.truncate(file.tell() + int(np.prod(shape)) * 4)
    done = subprocess.run([sys.executable, "-c", SPARSE, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 40_000  # kB


# files of any content end in a report or in an error of ours

anything = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    data = good()
    data.left_out = ["dataset.yaml"]
    return data.write(tmp_path_factory.mktemp("fuzz") / "data")


def look(folder: Path) -> None:
    try:
        report = check(folder)
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert report.lines() and json.loads(report.as_json())


SCALARS = st.none() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(max_size=3) | st.booleans()
NESTED = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner), max_leaves=8)
LABELS = pickle.dumps(([f"c{row}" for row in range(10)], list(range(10))), protocol=2)


@anything
@given(
    st.binary(max_size=60)
    | NESTED.map(pickle.dumps)
    | st.lists(st.integers(), min_size=10, max_size=10).map(lambda labels: pickle.dumps(([], labels)))
    | st.tuples(st.integers(0, len(LABELS)), st.binary(max_size=4)).map(
        lambda cut: LABELS[: cut[0]] + cut[1] + LABELS[cut[0] + 1 :]
    )
)
def test_any_label_file(folder, content):
    (folder / "xsub" / "train_label.pkl").write_bytes(content)
    look(folder)


HEADER = "{{'descr': {!r}, 'fortran_order': {}, 'shape': {}, }}"
SIZES = st.lists(st.integers(-1, 6) | st.integers(), max_size=6).map(tuple)
DTYPES = st.sampled_from(["<f4", ">f8", "<f2", "|i1", "<i8", "<c8", "|O", "|S3", "<M8[s]", "", "x"]) | st.text(
    max_size=4
)


@anything
@given(
    st.builds(HEADER.format, DTYPES, st.booleans(), SIZES).map(str.encode) | st.binary(max_size=80),
    st.binary(max_size=400),
)
def test_any_npy_file(folder, header, values):
    (folder / "xsub" / "val_data.npy").write_bytes(
        b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + values
    )
    look(folder)
