"""Trainings by stock main.py that are killed and resumed: they end as one that was never stopped, to the bit."""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import shutil
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from ctrgcn_plugin import configs, curves
from ctrgcn_plugin.training import state

# kills at random times of all that is trained, and one before each change of a file in an epoch
EVERY = "EVERY_KILL"
RANDOM_KILLS = 5
EPOCHS = 3
NAME = "run"
# what is trained: a config, what is different from it, and another schedule of the learning rate
KINDS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "mixup": ("light_v2_ntucs_joint_aug", {}, {}),
    "workers, and a schedule with counters of its own": (
        "light_v2_ntucs_joint_aug",
        {"DATASET.num_workers": 2},
        {
            "name": "CustomWarmupCosineStepDecay",
            "iter_step": True,
            "warmup_iters": 2,
            "base_lr": 0.1,
            "max_epoch": EPOCHS,
        },
    ),
    "dropout, and a schedule by epochs": (
        "light_v2_ntucs_joint_aug",
        {"MODEL.head.drop_out": 0.5},
        {
            **{"name": "WarmupCosineDecay", "warmup_start_lr": 0.01, "warmup_epochs": 2},
            **{"cosine_base_lr": 0.1, "max_epoch": EPOCHS},
        },
    ),
    "mutual learning": ("light_v2_ntucs_joint_dml", {}, {}),
}

# main.py, killed by another process after some seconds of training; or by itself, before the change of a file in its
# output folder that has a number, or that gives a file a name like a pattern. What it prints at its end is how many
# changes and seconds the training has had.
KILLED = """
import os, re, runpy, signal, sys, time
root, arguments, seconds, pattern, number, bytes = {plan!r}
sys.argv = [root + "/main.py", *arguments]
sys.path.insert(0, root)
import paddlevideo.tasks as tasks

this, changes = os.getpid(), 0

def watch(event, values):
    global changes
    opened = event == "open" and isinstance(values[1], str) and set(values[1]) & set("wa+x")
    if not opened and event not in ("os.rename", "os.remove") or os.getpid() != this:
        return
    name = str(values[1] if event == "os.rename" else values[0])
    if {output!r} in name:
        changes += 1
        if changes == number or pattern and event == "os.rename" and re.search(pattern, name):
            os.kill(this, signal.SIGKILL)

def kill_later():
    if os.fork() == 0:
        time.sleep(seconds)
        if os.getppid() == this:
            os.kill(this, signal.SIGKILL)
        os._exit(0)

train_model = tasks.train_model

def timed(*args, **kwargs):
    sys.addaudithook(watch)
    if seconds:
        kill_later()
    if bytes:
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes, bytes))
    start = time.time()
    train_model(*args, **kwargs)
    print("TRAINED", changes, time.time() - start)

tasks.train_model = timed
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except Exception:
    # as the interpreter does
    sys.excepthook(*sys.exc_info())
    sys.exit(1)
"""


class Kill(NamedTuple):
    """What ends a training before its time; nothing does where all is 0.

    Attributes:
        seconds: it is killed that long after its begin,
        pattern: before a file takes a name like this,
        number: before the change of a file that has this number.
        bytes: no file may become larger.
    """

    seconds: float = 0
    pattern: str = ""
    number: int = 0
    bytes: int = 0


NEVER = Kill()


class Trainings:
    """Trainings with one config, each in a folder of its own."""

    def __init__(self, base: Path, root: Path, start: Callable, arguments: list[str]) -> None:
        self._base, self._root, self._start, self._arguments = base, root, start, arguments
        self.unbroken = self.folder("unbroken")
        self.log = ""
        status = self.run(self.unbroken)
        assert status == 0, self.log[-3000:]
        changes, seconds = re.findall(r"^TRAINED (\d+) ([\d.]+)$", self.log, flags=re.M)[-1]
        self.changes, self.seconds = int(changes), float(seconds)

    def folder(self, name: str, copied: bool = False) -> Path:
        """A new folder; `copied` has all that the unbroken training has left."""
        output = self._base / name / "output"
        shutil.copytree(self.unbroken, output) if copied else output.mkdir(parents=True)
        return output

    def run(self, output: Path, resume: object = 0, kill: Kill = NEVER, *options: str) -> int:
        """The exit status; `log` is what was printed."""
        overrides = (f"output_dir={output}", f"epochs={EPOCHS}", f"resume_epoch={resume}", *options)
        arguments = [*map(str, self._arguments), *(part for option in overrides for part in ("-o", option))]
        script = output.parent / "killed.py"
        script.write_text(KILLED.format(plan=(str(self._root), arguments, *kill), output=str(output)))
        status, log = self._start(script, output.parent, output.parent / "log.txt")
        self.log = re.sub(r"\x1b\[[0-9;]*m", "", log)
        return status

    def to_its_end(self, output: Path, kills: Iterable[Kill]) -> list[int]:
        """Resume a training whenever it was killed, until it ends; the epochs that it was resumed from."""
        resumed: list[int] = []
        for kill in (*kills, NEVER):
            done = state.newest(output, NAME) or 0
            resumed.append(done)
            status = self.run(output, done, kill)
            assert status in (0, -9), self.log[-3000:]
            if status == 0:
                return resumed
        raise AssertionError("a training that nobody killed was killed")


@pytest.fixture(scope="module")
def trainings(ppvideo_root, preloaded, small, narrow, tmp_path_factory):
    """Make the trainings of a variant, once."""
    made: dict[str, Trainings] = {}

    def make(kind: str) -> Trainings:
        if kind not in made:
            config, options, schedule = KINDS[kind]
            options = {"model_name": NAME, "save_interval": 1, "log_interval": 1, **options}
            folder = tmp_path_factory.mktemp("resume")
            file = folder / "config.yaml"
            content = configs.load(f"configs/recognition/ctrgcn/ctrgcn_{config}.yaml")
            content["OPTIMIZER"]["learning_rate"] = schedule or content["OPTIMIZER"]["learning_rate"]
            file.write_text(yaml.safe_dump(content))
            call = ["--validate", "-c", file, *small, *narrow(config[-3:], **options)]
            made[kind] = Trainings(folder, ppvideo_root, preloaded, call)
        return made[kind]

    return make


def _what_is_left(output: Path) -> dict[str, Any]:
    """All that a training has left of itself, but for times."""
    left: dict[str, Any] = {file.name: file.read_bytes() for file in output.glob("*.pd*")}
    for file in output.glob("*.json"):
        left[file.name] = json.loads(file.read_text())
        left[file.name].pop("saved", None)
    for rows in vars(curves.read(output)).values():
        left[f"curve of {sorted(rows[0])}"] = [{**row, "seconds": 0} for row in rows]
    left["hidden"] = sorted(file.name for file in output.rglob(".*"))
    return left


def _is_the_same(output: Path, unbroken: Path) -> None:
    ours, theirs = _what_is_left(output), _what_is_left(unbroken)
    assert sorted(ours) == sorted(theirs)
    assert [name for name in theirs if ours[name] != theirs[name]] == []


# before the first checkpoint is whole; between a checkpoint and its state
WORST = (Kill(pattern=r"_epoch_00001\.pdparams$"), Kill(pattern=r"_epoch_00002\.state\.json$"))


def test_a_killed_training_ends_as_one_that_was_not(trainings):
    training = trainings("mixup")
    output = training.folder("killed")
    sometime = Kill(seconds=random.uniform(0.1, 0.5) * training.seconds)
    resumed = training.to_its_end(output, (*WORST, sometime))
    assert resumed[:3] == [0, 0, 1]
    assert "Resume: exact" in training.log
    _is_the_same(output, training.unbroken)


def test_going_back_behind_the_best_forgets_it(trainings):
    """Of a training that has gone on: the best until the epoch that is resumed counts, not the best there was."""
    training = trainings("mixup")
    output = training.folder("back", copied=True)
    note = output / f"{NAME}_best.json"
    noted = json.loads(note.read_text())
    later = {"best": 0.99, "epoch": EPOCHS}
    note.write_text(json.dumps(later))
    assert training.run(output, 1) == 0, training.log[-3000:]
    assert f"the best checkpoint is 0.99 of epoch {EPOCHS}, of a training that went on from epoch 1" in training.log
    # which is noted again only where an epoch after the first is better than it
    assert json.loads(note.read_text()) == (later if noted["epoch"] == 1 else noted)
    kept = {name: left for name, left in _what_is_left(output).items() if name != note.name}
    assert kept == {name: left for name, left in _what_is_left(training.unbroken).items() if name != note.name}


def test_a_full_disk_ends_a_training_and_no_checkpoint(trainings):
    training = trainings("mixup")
    output = training.folder("full")
    shutil.copytree(training.unbroken, output, dirs_exist_ok=True)
    before = _what_is_left(output)
    largest = (output / f"{NAME}_epoch_00002.pdparams").stat().st_size
    # the optimizer's file still fits
    assert training.run(output, 1, Kill(bytes=largest - 1)) == 1
    last = training.log.strip().splitlines()[-1]
    assert re.fullmatch(r"error: .*\.pdparams cannot be saved: File too large; .* resumed: 1, 2, .*", last)
    assert "Traceback" not in training.log
    assert {name: left for name, left in _what_is_left(output).items() if not name.startswith("curve")} == {
        name: left for name, left in before.items() if not name.startswith("curve")
    }


def test_an_epoch_that_was_not_saved_is_refused_in_one_line(trainings):
    training = trainings("mixup")
    before = _what_is_left(training.unbroken)
    assert training.run(training.unbroken, 9) == 1
    message = r"error: resume_epoch=9: there is no .*_00009.pdopt and no .*_00009.pdparams; .* resumed: 1, 2, .*=\d"
    assert re.fullmatch(message, training.log.strip().splitlines()[-1])
    assert "Traceback" not in training.log
    assert _what_is_left(training.unbroken) == before


def test_without_its_state_a_checkpoint_is_resumed_as_upstream_does_it(trainings):
    """As that of an older version, or of upstream alone: the user is told. What is left of a kill is removed."""
    training = trainings("mixup")
    output = training.folder("older", copied=True)
    (output / f"{NAME}_epoch_00002.state.json").unlink()
    left_over = output / f".{NAME}_best.pdparams.4194305@{socket.gethostname()}.part"  # no process has that number
    left_over.write_bytes(b"half")
    assert training.run(output, 2) == 0, training.log[-3000:]
    assert "so this is not exact" in training.log and "Resume: exact" not in training.log
    assert not left_over.exists()


@pytest.mark.skipif(not os.environ.get(EVERY), reason=f"minutes; {EVERY}=1 runs it")
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_any_time(trainings, kind):
    training = trainings(kind)
    killed, trained = 0, itertools.count(1)
    while killed < RANDOM_KILLS:
        output = training.folder(f"killed at random {next(trained)}")
        kills = [Kill(seconds=random.uniform(0, training.seconds)) for _ in range(3)]
        resumed = training.to_its_end(output, kills)
        print(f"{kind}: of {training.seconds:.1f} s, killed after", *(f"{kill.seconds:.2f}" for kill in kills), resumed)
        _is_the_same(output, training.unbroken)
        killed += len(resumed) - 1


@pytest.mark.skipif(not os.environ.get(EVERY), reason=f"minutes; {EVERY}=1 runs it")
def test_killed_before_each_change_of_a_file(trainings):
    training = trainings("mixup")
    # of the second of three epochs: there is an older checkpoint then, and more is to come
    numbers = range(training.changes // EPOCHS, 2 * training.changes // EPOCHS + 1)
    for number in numbers:
        output = training.folder(f"killed before change {number}")
        assert len(training.to_its_end(output, [Kill(number=number)])) == 2
        _is_the_same(output, training.unbroken)
    print(f"killed before each of the changes {numbers}, of {training.changes}")
