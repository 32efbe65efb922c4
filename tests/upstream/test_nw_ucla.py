"""The configs of NW-UCLA train in stock PaddleVideo, on data of its form: 20 joints, one person, ten classes."""

from __future__ import annotations

import math
import pickle
from pathlib import Path

import numpy as np
import pytest

from ctrgcn_plugin import configs, curves
from ctrgcn_plugin.data.scores import Scores

FOLDER = "configs/recognition/ctrgcn"
CLIPS = {"train": 36, "val": 21}


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    """A folder with data where the configs look for them."""
    folder = tmp_path_factory.mktemp("work")
    data = folder / "data/nw-ucla/xview"
    data.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for split, number in CLIPS.items():
        clips = np.zeros((number, 3, 60, 20, 1), "float32")
        for clip in clips:
            length = int(rng.integers(1, 60))
            clip[:, :length] = rng.normal(0, 0.3, (3, length, 20, 1))
        np.save(data / f"{split}_data.npy", clips)
        names, labels = [f"clip{i}" for i in range(number)], [i % 10 for i in range(number)]
        (data / f"{split}_label.pkl").write_bytes(pickle.dumps((names, labels)))
    return folder


def narrow(*places: str) -> list[str]:
    values = {
        "epochs": 1,
        "OPTIMIZER.learning_rate.warmup_epochs": 1,
        **{f"{place}.{key}": 8 for place in places for key in ("backbone.base_channel", "head.in_channels")},
    }
    return [part for key, value in values.items() for part in ("-o", f"{key}={value}")]


def test_network_then_its_student(work, upstream_root, python):
    """The teacher's run leaves its checkpoint where the student's config has it, but for the epoch's number."""
    networks = {
        "ctrgcn_nwucla_joint": narrow("MODEL"),
        "ctrgcn_lite_nwucla_joint_dml": narrow("MODEL.models.0.Teacher", "MODEL.models.1.Student"),
    }
    for name, options in networks.items():
        config = configs.load(f"{FOLDER}/{name}.yaml")
        command = [upstream_root / "main.py", "-c", f"{FOLDER}/{name}.yaml", *options]
        if name.endswith("dml"):
            pretrained = config["MODEL"]["models"][0]["Teacher"]["backbone"]["pretrained"]
            command += ["-o", f"MODEL.models.0.Teacher.backbone.pretrained={pretrained.replace('00030', '00001')}"]
        done = python([*command, "--validate"], work)
        assert done.returncode == 0, done.stdout[-3000:]
        output = work / "output" / config["model_name"]
        (epoch,) = curves.read(output).epochs
        assert all(math.isfinite(epoch[key]) for key in ("train_loss", "valid_loss"))
    weights = output / f"{config['model_name']}_epoch_00001.pdparams"
    done = python([*command, "--test", "-w", weights], work)
    assert done.returncode == 0, done.stdout[-3000:]
    scores = Scores.read(work / config["METRIC"]["scores"])
    assert scores.values.shape == (CLIPS["val"], 10)
    assert scores.accuracy().top1 == pytest.approx(epoch["valid_top1"], abs=1e-6)
