"""What a training was made from: recorded whole, read back, held against what is there now."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import math
import subprocess
import threading
from pathlib import Path

import paddle
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrgcn_plugin import resources
from ctrgcn_plugin.curves import CsvFiles, Curves
from ctrgcn_plugin.errors import UserError
from ctrgcn_plugin.training import record, reproduce
from ctrgcn_plugin.training.record import CONFIG, RUN, File, Record, Start

NAME = "small"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Data, labels, a layout and weights in the working folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("data", "labels", "valid", "layout", "pretrained", "start"):
        Path(name).write_bytes(name.encode() * 1000)


def config(**more: object) -> dict:
    """A config as upstream has read it, of these files."""
    return {
        "MODEL": {"backbone": {"name": "CTRGCN", "graph": "layout", "pretrained": "pretrained"}},
        "DATASET": {
            "train": {"format": "SkeletonDataset", "file_path": "data", "label_path": "labels"},
            "valid": {"file_path": "valid", "label_path": "absent"},
            "test": {"file_path": "start"},
        },
        "PIPELINE": {"train": {"transform": [{"Step": {"graph": "layout", "long": "x" * 5000, "odd": "a\0b"}}]}},
        "model_name": NAME,
        **more,
    }


TRAINED = {
    "MODEL.backbone.graph": "layout",
    "MODEL.backbone.pretrained": "pretrained",
    "DATASET.train.file_path": "data",
    "DATASET.train.label_path": "labels",
    "PIPELINE.train.transform.0.Step.graph": "layout",
}


def test_files_that_a_training_reads():
    validated = {**TRAINED, "DATASET.valid.file_path": "valid"}
    for validate, expected in ((True, validated), (False, TRAINED)):
        found = record.named_files(config(), validate)
        assert found == {key: File(name, len(name) * 1000) for key, name in expected.items()}


@pytest.mark.parametrize("size", [0, 1, record.CHUNK - 1, record.CHUNK, 2 * record.CHUNK + 3])
def test_a_checksum_in_chunks_is_that_of_the_whole(size):
    content = bytes(range(251)) * (size // 251 + 1)
    Path("file").write_bytes(content[:size])
    assert record.checksum("file") == hashlib.sha256(content[:size]).hexdigest()


def _as_upstream_reads(text: str) -> dict:
    """Text that spells a literal is one, in mappings; lists stay as they are."""

    def literals(section: dict) -> dict:
        return {key: literals(value) if type(value) is dict else literal(value) for key, value in section.items()}

    def literal(value: object) -> object:
        try:
            return ast.literal_eval(value) if isinstance(value, str) else value
        except Exception:
            return value

    return literals(yaml.safe_load(text))


TEXTS = st.text(max_size=6) | st.sampled_from(["1e-4", "None", "'x'", "(1, 2)", "yes", "1:30", "C:\\x", "动作", "0o7"])
NUMBERS = st.integers() | st.floats(allow_nan=False)
LEAVES = st.none() | st.booleans() | NUMBERS | TEXTS
SECTIONS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab_", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text("ab_", min_size=1, max_size=3), SECTIONS, max_size=4))
def test_upstream_reads_the_saved_config_as_the_same(values):
    saved = record.as_config({**values, record.RESUME: 3})
    # text, because 1 == True
    assert repr(_as_upstream_reads(saved)) == repr(values)


def begin(folder: str = "output", **more: object) -> Record:
    warnings: list[str] = []
    options = {"weights": "start", "validate": False, "use_amp": True, "amp_level": "O1", "max_iters": None}
    made = Record(
        Path(folder), config(**more), options, Path("PaddleVideo").resolve(), {"applied": ["a"]}, 1, warnings.append
    )
    assert not warnings
    return made


def test_a_record_is_there_at_once_and_whole_later(monkeypatch):
    monkeypatch.setenv("FLAGS_of_the_test", "7")
    monkeypatch.setenv("SECRET", "7")
    paddle.seed(42)
    allowed, checksum = threading.Event(), record.checksum
    monkeypatch.setattr(record, "checksum", lambda path: allowed.wait(60) and checksum(path))
    made = begin(epochs=3)
    (early,) = record.read("output")
    assert {file.sha256 for file in early.files.values()} == {None}
    allowed.set()
    made.wait()
    (start,) = record.read("output")
    expected = {**TRAINED, "weights": "start"}
    assert {key: file.sha256 for key, file in start.files.items()} == {
        key: hashlib.sha256(Path(name).read_bytes()).hexdigest() for key, name in expected.items()
    }
    assert dataclasses.replace(start, files={}) == dataclasses.replace(early, files={})
    assert (start.seed, start.processes, start.folder) == (42, 1, str(Path.cwd()))
    assert start.variables["FLAGS_of_the_test"] == "7" and "SECRET" not in start.variables
    assert start.versions["Paddle"] == paddle.__version__ and start.machine["cores"] > 0
    assert _as_upstream_reads(Path("output", CONFIG).read_text()) == config(epochs=3)
    assert sorted(file.name for file in Path("output").iterdir() if file.suffix != ".diff") == [CONFIG, RUN]


def test_a_file_that_vanishes_is_told_and_the_rest_stays(monkeypatch):
    monkeypatch.setattr(record, "checksum", lambda path: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    warnings: list[str] = []
    Record(Path("output"), config(), {}, Path(), {}, 1, warnings.append).wait()
    assert warnings == [f"output/{RUN} stays incomplete: [Errno 5] Input/output error"]
    assert len(record.read("output")) == 1


def test_a_resumed_training_has_several_starts():
    begin().wait()
    begin(resume_epoch=2).wait()
    assert [start.resumed_from for start in record.read("output")] == [0, 2]
    # its config is one that trains from the beginning
    assert "resume_epoch" not in Path("output", CONFIG).read_text()
    begin().wait()
    assert [start.resumed_from for start in record.read("output")] == [0]


def test_a_changed_checkout_leaves_its_diff(tmp_path, monkeypatch):
    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", "PaddleVideo", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    Path("PaddleVideo").mkdir()
    monkeypatch.setattr(resources, "PACKAGE", tmp_path / "installed" / "ctrgcn_plugin")
    file = Path("PaddleVideo", "main.py")
    file.write_text("first\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "all")
    begin().wait()
    (clean,) = record.read("output")
    commit = git("rev-parse", "HEAD").strip()
    paddlevideo = {"path": str(tmp_path / "PaddleVideo"), "commit": commit, "diff": ""}
    assert clean.sources == {"PaddleVideo": paddlevideo, "ctrgcn-plugin": {"path": str(tmp_path / "installed")}}
    file.write_text("second\n")
    begin().wait()
    (changed,) = record.read("output")
    diff = Path("output", changed.sources["PaddleVideo"]["diff"]).resolve()
    git("checkout", "-q", ".")
    git("apply", str(diff))
    assert file.read_text() == "second\n"


@settings(max_examples=60, deadline=None)
@given(
    content=st.binary(max_size=60) | st.just(b"starts:\n- [" * 3000) | st.sampled_from([b"starts: [{}]", b"starts: 1"])
)
def test_what_is_no_record_is_refused(content):
    Path(RUN).write_bytes(content)
    try:
        assert record.read(".") == []
    except UserError as error:
        assert RUN in str(error) and "\n" not in str(error)


def test_wrong_types_in_a_record_are_refused():
    begin().wait()
    whole = yaml.safe_load(Path("output", RUN).read_text())
    for field in dataclasses.fields(Start):
        (start,) = whole["starts"]
        Path("output", RUN).write_text(yaml.safe_dump({"starts": [{**start, field.name: [1]}]}))
        with pytest.raises(UserError, match="cannot be read"):
            record.read("output")


def test_how_to_do_it_again(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    paddle.seed(42)
    begin().wait()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("FLAGS_new", "1")
    monkeypatch.setenv("FLAGS_selected_cpus", "1")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    plan = reproduce.plan(Path("output"), ["epochs=2"])
    assert plan.variables == {"OMP_NUM_THREADS": "3", "FLAGS_new": None}
    assert plan.config == {**config(epochs=2), "output_dir": "output_again"}
    assert plan.arguments == [
        *("-c", f"output/{CONFIG}", "--seed", "42", "-o", "output_dir=output_again", "-o", "epochs=2"),
        *("--amp", "--weights", "start", "--amp_level", "O1"),
    ]
    # from within the folder
    monkeypatch.chdir("output")
    moved = [f"{key}=../{name}" for key, name in TRAINED.items()]
    assert reproduce.plan(Path(), moved, "../start").config["output_dir"] == str(Path("../output_again").resolve())


REFUSED = {
    "nothing recorded": (lambda: Path("output", RUN).unlink(), f"no {RUN} in output"),
    "changed data": (
        lambda: Path("labels").write_bytes(b"x" * 6000),
        "labels is not the file .* -o DATASET.train.label_path",
    ),
    "other size": (lambda: Path("data").write_bytes(b"x"), "data is not the file .* -o DATASET.train.file_path=FILE"),
    "moved data": (lambda: Path("data").unlink(), "data is not here .* with -o DATASET.train.file_path=FILE$"),
    "other weights": (lambda: Path("start").write_bytes(b"x"), "start is not the file .* --weights FILE"),
    "changed config": (lambda: Path("output", CONFIG).write_text("MODEL: 1"), "config.yaml was changed since"),
    "no config": (lambda: Path("output", CONFIG).unlink(), "config.yaml cannot be read"),
    "other config": (
        lambda: begin(resume_epoch=1, epochs=9).wait(),
        r"resumed with another config \(from epoch 2 on\)",
    ),
    "no beginning": (lambda: (Path("output", RUN).unlink(), begin(resume_epoch=1).wait()), "begins with epoch 2"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_again(case):
    begin().wait()
    spoil, message = REFUSED[case]
    spoil()
    with pytest.raises(UserError, match=message) as refusal:
        reproduce.plan(Path("output"))
    assert "\n" not in str(refusal.value)


def test_as_many_processes_are_needed():
    begin().wait()
    with pytest.raises(UserError, match="by 1 process.*, this would be 2: one process"):
        reproduce.plan(Path("output"), processes=2)


def test_differences_are_told_where_they_are():
    then = {"machine": {"cpu": "A", "cards": ["x"]}, "PIPELINE": {"sample": [{"Crop": {"window_size": 64}}]}}
    now = {"machine": {"cpu": "B", "cards": ["x"]}, "PIPELINE": {"sample": [{"Crop": {"window_size": 32}}]}, "new": 0}
    assert reproduce.differences(then, now) == [
        "machine.cpu: A then, B now",
        "PIPELINE.sample.0.Crop.window_size: 64 then, 32 now",
        "new: nothing then, 0 now",
    ]
    assert reproduce.differences(now, now) == []


def _curves(*losses: float, seconds: float = 1.0, top1: float = 0.5) -> Curves:
    steps = [{"epoch": 1, "step": step, "loss": loss, "seconds": seconds} for step, loss in enumerate(losses, 1)]
    return Curves([{"epoch": 1, "valid_top1": top1, "seconds": seconds}], steps)


def _write(folder: str, curves: Curves) -> Path:
    files = CsvFiles(folder, Curves())
    for row in curves.steps:
        files.step(row)
    for row in curves.epochs:
        files.epoch(row)
    files.close()
    return Path(folder)


COMPARED = {
    "same but for time": (_curves(1, 0.5), _curves(1, 0.5, seconds=9), True, "equal to the bit: 2 steps, 1 epochs"),
    "not a number in both": (_curves(1, math.nan), _curves(1, math.nan), True, "equal"),
    "more than there was": (_curves(1), _curves(1, 0.5), True, "equal to the bit: 1 steps"),
    "less": (_curves(1, 0.5), _curves(1), False, "the repetition has 1 steps, the training 2"),
    "last bit": (
        *(_curves(1, 0.5, 0.25), _curves(1, 0.50000006, 0.5), False),
        "differs is step 2 (epoch 1): loss 0.5 then, 0.50000006 now; the losses of a step differ by up to 0.25",
    ),
    "validation alone": (_curves(1), _curves(1, top1=0.75), False, "epoch 1: valid_top1 0.5 then, 0.75 now"),
}


@pytest.mark.parametrize("case", COMPARED)
def test_curves_are_compared_to_the_bit(case):
    first, second, equal, text = COMPARED[case]
    found = reproduce.compare(_write("first", first), _write("second", second))
    assert found.equal is equal and text in found.text


def test_without_curves_nothing_is_said_to_be_equal():
    _write("first", _curves())
    with pytest.raises(UserError, match="first has no curves"):
        reproduce.compare(Path("first"), Path("first"))
