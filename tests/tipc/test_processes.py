"""The interpreter that TIPC's scripts are given, and the notes that upstream's predicting helper leaves."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from ctrgcn_plugin.tipc import runner
from ctrgcn_plugin.tipc.commands import Command
from ctrgcn_plugin.tipc.evidence import Record
from ctrgcn_plugin.tipc.interpreter import RECORD


@pytest.fixture
def shell(tmp_path):
    """Run a command line as TIPC's scripts would; (exit status, output, what was noted)."""

    def run(text: str) -> tuple[int, str, Record]:
        record = tmp_path / "record.jsonl"
        with runner.programs() as folders:
            path = os.pathsep.join([*folders, os.environ["PATH"]])
            environment = {**os.environ, "PATH": path, RECORD: str(record)}
            result = subprocess.run(
                ["bash", "-c", text], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
            )
        return result.returncode, result.stdout + result.stderr, Record.read(record)

    return run


def test_it_is_the_running_interpreter(shell):
    status, printed, record = shell("python -c 'import sys, numpy; print(sys.executable, sys.argv[1:])' 'a b' --c=d")
    assert (status, printed) == (0, f"{sys.executable} ['a b', '--c=d']\n")
    (run,) = record.runs
    assert run.status == 0 and run.argv[-2:] == ("a b", "--c=d") and 0 < run.seconds < 60


@pytest.mark.parametrize(
    ("code", "status"), [("raise SystemExit(3)", 3), ("1/0", 1), ("import os; os.kill(os.getpid(), 9)", 137)]
)
def test_how_it_ended_is_noted_and_passed_on(shell, code, status):
    ended, _, record = shell(f"python -c '{code}'")
    assert ended == record.runs[0].status == status


def test_a_stages_process_is_found_by_its_command(shell):
    text = "env A=1 python -c \"print(1)\" -o x='y z' --n=2"
    _, _, record = shell(f"{text}; python -c 0")
    assert record.run_of(Command.parse(f"{text} > log 2>&1 ")) == record.runs[0]
    assert record.run_of(Command.parse("python -c 1")) is None


def test_nothing_is_installed(shell):
    status, printed, record = shell("python -m pip install no-such-package-anywhere")
    assert status == 0 and "not done" in printed and not record.runs


PREDICTS = """
import sys
sys.path[:0] = [{root!r}, {root!r} + "/tools"]
import numpy as np
from utils import build_inference_helper
from paddlevideo.utils import get_config
config = get_config("configs/recognition/ctrgcn/ctrgcn_light_ntucs_joint.yaml", show=False)
helper = build_inference_helper(config.INFERENCE)
x, = helper.preprocess_batch(["a.npy", "b.npy"])
helper.postprocess([np.stack([x[:, 0, 0, 0, 0], x[:, 0, 1, 1, 0]], 1)], False)
helper.postprocess([np.ones((2, 60), "float32")], False)
"""


def test_scores_are_noted_as_the_engine_gave_them(ppvideo_root, python, tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        np.save(tmp_path / f"{name}.npy", rng.standard_normal((3, 30, 25, 2)).astype("float32"))
    (tmp_path / "predicts.py").write_text(PREDICTS.format(root=str(ppvideo_root)))
    record = tmp_path / "notes.jsonl"
    result = python(["predicts.py", "--x=1"], tmp_path, **{RECORD: str(record)})
    assert result.returncode == 0, result.stdout[-3000:]
    first, second = Record.read(record).answers
    assert first.argv == ("predicts.py", "--x=1") and first.files == ("a.npy", "b.npy")
    assert np.shape(first.scores) == (2, 2) and second.scores == ((1.0,) * 60,) * 2
    # as float32 they are the same numbers
    assert np.float32(first.scores[0][0]) == first.scores[0][0]

    result = python(["predicts.py"], tmp_path, **{RECORD: ""})
    assert result.returncode == 0 and len(Record.read(record).answers) == 2, "nobody has asked for these"
