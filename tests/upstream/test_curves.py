"""Curves of a training under stock main.py: its log's numbers, of every step. What fails stops no training."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from ctrgcn_plugin import curves
from ctrgcn_plugin.curves import FOLDER, Curves
from ctrgcn_plugin.upstream.visualdl_log import OF_EPOCH, OF_STEP, VisualDLLog

CONFIG = "configs/recognition/ctrgcn/ctrgcn_light_v2_ntucs_joint_aug.yaml"
OUTPUT = Path("output", "CTRGCN_lightV2_joint")

# main.py, killed once the log has had a step of the epoch that is named
KILLED = """
import os, runpy, signal, sys
sys.argv = [{root!r} + "/main.py", *{arguments!r}]
sys.path.insert(0, {root!r})
import paddlevideo.tasks.train as train
log_batch = train.log_batch
def log_and_die(record, step, epoch, *rest):
    log_batch(record, step, epoch, *rest)
    if epoch == {fatal}:
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
train.log_batch = log_and_die
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class Run(NamedTuple):
    status: int
    log: str
    curves: Curves


@pytest.fixture(scope="module")
def runs(ppvideo_root, preloaded, small, narrow, tmp_path_factory):
    """(folder, a training that is killed in its second epoch, the same resumed after its first)."""
    folder = tmp_path_factory.mktemp("curves")
    options = ["-o", "epochs=2", "-o", "log_interval=1", "-o", "save_interval=1"]
    call = ["--validate", "-c", CONFIG, *small, *narrow("aug"), *options]

    def run(done: int, fatal: int) -> Run:
        arguments = [*map(str, call), "-o", f"resume_epoch={done}"]
        script = folder / "killed.py"
        script.write_text(KILLED.format(root=str(ppvideo_root), arguments=arguments, fatal=fatal))
        status, log = preloaded(script, folder, folder / "log.txt")
        found = curves.read(folder / OUTPUT)
        assert found is not None, log[-3000:]
        return Run(status, re.sub(r"\x1b\[[0-9;]*m", "", log), found)

    return folder / OUTPUT, run(done=0, fatal=2), run(done=1, fatal=3)


# what upstream prints: loss, lr (of a training alone), top-1, top-5, seconds
NUMBER = r"(-?[\d.]+)"
STEP = re.compile(
    rf"epoch:\[ *(\d+)/.*? train step:(\d+) +loss: +{NUMBER} lr: {NUMBER} top1: {NUMBER} top5: {NUMBER} "
    rf"batch_cost: {NUMBER}"
)
EPOCH = re.compile(
    rf"END epoch:(\d+) +(train|val) loss_avg: +{NUMBER} +top1_avg: {NUMBER} top5_avg: {NUMBER} .*? "
    rf"batch_cost_sum: {NUMBER}"
)
# half of the last digit that the log has, and what nine digits lose
DIGITS = 6e-6


def _hold_against_the_log(found: Curves, log: str) -> None:
    steps = [tuple(map(float, match)) for match in STEP.findall(log)]
    assert [row["epoch"] for row in found.steps] == [step[0] for step in steps]
    for row, (_, _, *numbers) in zip(found.steps, steps):
        assert [row[name] for name in ("loss", "lr", "top1", "top5", "seconds")] == pytest.approx(numbers, abs=DIGITS)
    epochs = {(int(epoch), mode): [*map(float, numbers)] for epoch, mode, *numbers in EPOCH.findall(log)}
    assert sorted(epochs) == sorted((row["epoch"], mode) for row in found.epochs for mode in ("train", "val"))
    for row in found.epochs:
        for part, mode in (("train", "train"), ("valid", "val")):
            values = [row[f"{part}_{name}"] for name in ("loss", "top1", "top5")]
            assert values == pytest.approx(epochs[row["epoch"], mode][:3], abs=DIGITS)
        seconds = [epochs[row["epoch"], mode][-1] for mode in ("train", "val")]
        assert row["seconds"] == pytest.approx(sum(seconds), abs=2 * DIGITS)
        assert row["lr"] == [step["lr"] for step in found.steps if step["epoch"] == row["epoch"]][-1]


def test_a_killed_training_keeps_what_it_had(runs):
    _, killed, _ = runs
    assert killed.status == -9
    assert [(row["epoch"], row["step"]) for row in killed.curves.steps] == [(1, 1), (1, 2), (2, 3)]
    assert [row["epoch"] for row in killed.curves.epochs] == [1]
    _hold_against_the_log(killed.curves, killed.log)


def test_a_resumed_training_goes_on(runs):
    _, killed, resumed = runs
    assert resumed.status == 0, resumed.log[-3000:]
    assert resumed.curves.until(1) == killed.curves.until(1)
    assert [(row["epoch"], row["step"]) for row in resumed.curves.steps] == [(1, 1), (1, 2), (2, 3), (2, 4)]
    new = Curves(resumed.curves.epochs[1:], resumed.curves.steps[2:])
    _hold_against_the_log(new, resumed.log)


def _scalars(visualdl: ModuleType, folder: Path) -> dict[str, dict[int, float]]:
    """What VisualDL shows of a folder: tag -> step -> value."""
    newest = max((folder / FOLDER).glob("vdlrecords.*.log"))
    reader = visualdl.LogReader(file_path=str(newest))
    tags = [tag.replace("%", "/") for tag in reader.get_tags()["scalar"]]
    return {tag: {item.id: item.value for item in reader.get_data("scalar", tag)} for tag in tags}


def _expected(found: Curves) -> dict[str, dict[int, float]]:
    rows = [(OF_STEP, "step", found.steps), (OF_EPOCH, "epoch", found.epochs)]
    return {
        tag: {int(row[number]): pytest.approx(row[name], rel=1e-6) for row in table}
        for tags, number, table in rows
        for name, tag in tags.items()
    }


def test_visualdl_shows_the_same(runs):
    """Of the resumed training all epochs, as its files have them."""
    visualdl = pytest.importorskip("visualdl")
    folder, _, resumed = runs
    assert _scalars(visualdl, folder) == _expected(resumed.curves)


def test_visualdl_has_no_scalar_of_what_is_not_known(tmp_path):
    visualdl = pytest.importorskip("visualdl")
    log = VisualDLLog(tmp_path, Curves())
    log.step({"epoch": 1, "step": 1, "loss": 0.5, "top5": None})
    log.epoch({"epoch": 1, "lr": 0.1, "train_loss": 0.5})
    log.epoch({"epoch": 1, "valid_loss": 0.25})
    log.close()
    values = {"train/loss": 0.5, "train_epoch/lr": 0.1, "train_epoch/loss": 0.5, "eval/loss": 0.25}
    assert _scalars(visualdl, tmp_path) == {tag: {1: pytest.approx(value)} for tag, value in values.items()}


# Trainings without a network: upstream's record and log get what upstream's loop would give them, where it would build
# a model.
BRIEF = """
import os
from pathlib import Path
from paddlevideo.tasks import train
from paddlevideo.utils.config import AttrDict

def loop(model):
    record = train.build_record(model)
    for name, value in (("lr", 0.5), ("loss", paddle.to_tensor(2.0)), ("top1", 0.25), ("batch_time", 0.1)):
        record[name].update(value)
    train.log_epoch(record, 1, "train", "")
    raise InterruptedError

def brief(name, begin=loop, backbone="CTRGCN", **more):
    train.build_model = begin
    model = AttrDict(framework="RecognizerGCN", backbone=AttrDict(name=backbone))
    try:
        train.train_model(AttrDict(model_name=name, MODEL=model, DATASET=AttrDict(), use_npu=False, **more))
    except InterruptedError:
        pass
    return {path.name: path.read_text() for path in sorted(Path("output", name, "curves").glob("*.csv"))}
paddle.set_device = lambda name: None
"""
EPOCHS_TEXT = (
    "epoch,lr,train_loss,train_top1,train_top5,valid_loss,valid_top1,valid_top5,seconds\n1,0.5,2,0.25,,,,,0.1\n"
)
STEPS_TEXT = "epoch,step,loss,top1,top5,lr,seconds\n1,1,2,0.25,,0.5,0.1\n"


def test_what_is_recorded_and_what_stops_no_training(probe, tmp_path):
    # installed and broken: what protobuf says of an old one
    (tmp_path / "visualdl.py").write_text('raise TypeError("Descriptors cannot be\\n created directly.")\n')
    code = """
        def fail(model):
            raise InterruptedError

        (Path("output/locked")).mkdir(parents=True)
        Path("output/locked/curves").touch()
        (Path("output/spoilt/curves")).mkdir(parents=True)
        Path("output/spoilt/curves/steps.csv").write_text("mine\\n")
        found = dict(
            plain=brief("plain"),
            failed_early=brief("plain", fail),
            other_model=brief("other", backbone="TSM"),
            own_folder=brief("unused", output_dir="mine") or sorted(os.listdir("mine/curves")),
            locked=brief("locked"),
            spoilt=brief("spoilt", resume_epoch=1),
        )
        paddle.distributed.get_rank = lambda: 1
        answer(**found, rank=brief("rank"))
    """
    # this training has no checkpoint to go on from
    answered, printed = probe(BRIEF + textwrap.dedent(code), off="exact-resume")
    assert answered is not None, printed[-3000:]
    whole = {"epochs.csv": EPOCHS_TEXT, "steps.csv": STEPS_TEXT}
    assert answered == {
        "plain": whole,
        "failed_early": whole,
        "other_model": {},
        "own_folder": ["epochs.csv", "steps.csv"],
        "locked": {},
        "spoilt": {"steps.csv": "mine\n"},
        "rank": {},
    }
    plain = re.sub(r"\x1b\[[0-9;]*m", "", printed)
    warnings = [line.partition("goes on without ")[2] for line in plain.splitlines() if "goes on without" in line]
    broken = (
        "curves-visualdl: TypeError: Descriptors cannot be created directly. (PADDLEVIDEO_PLUGIN_FIXES=curves-visualdl"
    )
    assert [warning.startswith(broken) for warning in warnings] == [True, True, False, True, False]
    assert warnings[2].startswith("curves: ") and "output/locked/curves" in warnings[2]
    assert "remove the file, or mend it" in warnings[4]


def test_off(probe, tmp_path):
    (tmp_path / "visualdl.py").write_text("raise SystemExit('not to be imported')")
    code = """
        from paddlevideo.utils import record
        untouched = train.build_record is record.build_record
        answer(files=brief("off"), untouched=untouched, there=os.path.isdir("output/off/curves"))
    """
    answered, printed = probe(BRIEF + textwrap.dedent(code), off="curves,curves-visualdl")
    assert answered == {"files": {}, "untouched": True, "there": False}, printed[-3000:]
