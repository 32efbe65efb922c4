"""The plugin in every process that a run has: launched ranks, loader workers, resumed and hookless runs."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import paddle
import pytest

import ctrgcn_plugin

CONFIG = "configs/recognition/ctrgcn/ctrgcn_light_v2_ntucs_joint_aug.yaml"


@pytest.fixture
def call(small, narrow):
    return ["--validate", "-c", CONFIG, *small, *narrow("aug")]


def _losses(log: str) -> list[str]:
    return re.findall(r"loss_avg: ([\d.]+)", log)


def test_two_launched_processes(ppvideo_root, call, python, tmp_path):
    launch = ["-m", "paddle.distributed.launch", "--nproc_per_node", "2", "--log_dir", "log"]
    result = python([*launch, ppvideo_root / "main.py", *call, "-o", "DATASET.batch_size=2"], tmp_path)
    assert result.returncode == 0, result.stdout[-3000:]
    logs = [(tmp_path / "log" / f"workerlog.{rank}").read_text() for rank in range(2)]
    assert "training CTRGCN_lightV2_joint finished" in logs[0] and _losses(logs[0])
    # both ranks have the plugin, or the second could not have built its model
    assert not any("Traceback" in log or "failed:" in log for log in logs)
    assert (tmp_path / "output/CTRGCN_lightV2_joint/CTRGCN_lightV2_joint_best.pdparams").is_file()


def test_loader_workers_give_the_same_validation(ppvideo_root, call, python, tmp_path):
    validated = []
    for workers in (0, 2):
        folder = tmp_path / str(workers)
        folder.mkdir()
        result = python([ppvideo_root / "main.py", *call, "-o", f"DATASET.num_workers={workers}"], folder)
        assert result.returncode == 0, result.stdout[-3000:]
        state = paddle.load(str(folder / "output/CTRGCN_lightV2_joint/CTRGCN_lightV2_joint_epoch_00001.pdparams"))
        validated.append((_losses(result.stdout), {key: value.shape for key, value in state.items()}))
    # workers draw random numbers of their own, so only the form is the same, not the values
    assert len(validated[0][0]) == len(validated[1][0]) == 2
    assert validated[0][1] == validated[1][1]


def test_resumed_schedule_goes_on(ppvideo_root, call, python, tmp_path):
    """Rates by iteration of epochs 2 and 3 are the same after a resume as in one run."""
    call = [*call, "-o", "epochs=3", "-o", "save_interval=1", "-o", "log_interval=1"]
    main = ppvideo_root / "main.py"
    whole = python([main, *call], tmp_path).stdout
    resumed = python([main, *call, "-o", "resume_epoch=1"], tmp_path).stdout
    rates = [re.findall(r"epoch:\[\s*[23]/3.*?train step:\d+.*?lr: ([\d.]+)", log) for log in (whole, resumed)]
    assert len(rates[0]) == 4 and rates[0] == rates[1]


def test_without_the_hook_run_does_the_same(ppvideo_root, call, python, tmp_path):
    """``-S`` leaves out every start-up file; ``ctrgcn run`` loads the plugin all the same."""
    # where an editable install is found by a finder, the package's folder is not on the path
    folders = [str(Path(ctrgcn_plugin.__file__).parents[1]), *(entry for entry in sys.path if entry)]
    path = os.pathsep.join(folders)
    environment = {"PYTHONPATH": path}
    bare = python(["-S", ppvideo_root / "main.py", *call], tmp_path, **environment)
    assert bare.returncode != 0
    result = python(["-S", "-m", "ctrgcn_plugin", "run", ppvideo_root / "main.py", *call], tmp_path, **environment)
    assert result.returncode == 0, result.stdout[-3000:]
    assert "training CTRGCN_lightV2_joint finished" in result.stdout


def test_switched_off_there_is_no_plugin(ppvideo_root, call, python, tmp_path):
    result = python([ppvideo_root / "main.py", *call], tmp_path, PADDLEVIDEO_PLUGINS="0")
    assert result.returncode != 0
    assert "ctrgcn" not in result.stdout.replace(CONFIG, "").replace("ctrgcn_plugin", "").lower().split("traceback")[0]
