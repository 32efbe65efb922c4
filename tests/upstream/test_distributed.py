"""Stock commands in several processes make what they make in one with all the samples."""

from __future__ import annotations

import csv
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from ctrgcn_plugin.data.scores import Scores

# 7 are not to be had by two processes in equal parts
CLIPS = {"train": 16, "val": 7}
CLASSES, EPOCHS, RANKS = 4, 3, 2

# in double precision, in which nothing comes of the order of sums; training lets a difference of 1e-7 grow
SCRIPT = """
import runpy, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from ranks import in_ranks

def run():
    import paddle
    from ctrgcn_plugin.models.backbones import SkeletonBackbone
    paddle.set_default_dtype("float64")
    forward = SkeletonBackbone.forward
    SkeletonBackbone.forward = lambda self, clips: forward(self, clips.astype("float64"))
    failed = False
    for arguments in {commands!r}:
        sys.argv = [{main!r}, "-c", "config.yaml", *arguments]
        sys.path[0] = str(Path(sys.argv[0]).parent)
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        except Exception as error:
            # as it is shown where nothing catches it
            sys.excepthook(type(error), error, error.__traceback__)
            failed = True
    sys.exit(failed)

sys.exit(not in_ranks({ranks}, run))
"""


def _dataset(folder: Path, split: str, **more: object) -> dict[str, object]:
    return {
        "format": "SkeletonDataset",
        "file_path": str(folder / f"{split}_data.npy"),
        "label_path": str(folder / f"{split}_label.pkl"),
        **more,
    }


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> dict:
    """What trains a small network on clips that nothing random is done to."""
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    for split, count in CLIPS.items():
        np.save(folder / f"{split}_data.npy", rng.standard_normal((count, 3, 12, 25, 1), "float32"))
        names, labels = [f"{split}{i}" for i in range(count)], [i % CLASSES for i in range(count)]
        (folder / f"{split}_label.pkl").write_bytes(pickle.dumps((names, labels)))
    steps = {"sample": [{"Iden": None}, {"SketeonCropSample": {"window_size": 8, "p_interval": [0.95]}}]}
    schedule = {"name": "WarmupCosineDecay", "warmup_start_lr": 0.01, "warmup_epochs": 1, "cosine_base_lr": 0.05}
    return {
        "MODEL": {
            "framework": "RecognizerGCN",
            "backbone": {"name": "CTRGCN_lightV2", "num_person": 1, "base_channel": 8, "graph": "ntu_rgb_d"},
            "head": {"name": "CTRGCNMixupHead", "num_classes": CLASSES, "in_channels": 8, "ls_eps": 0.1},
        },
        "DATASET": {
            **{"batch_size": 8 // RANKS, "valid_batch_size": 2, "test_batch_size": 2, "num_workers": 0},
            "train": _dataset(folder, "train"),
            "valid": _dataset(folder, "val", test_mode=True),
            "test": _dataset(folder, "val", test_mode=True),
        },
        "PIPELINE": dict.fromkeys(("train", "valid", "test"), steps),
        "OPTIMIZER": {
            **{"name": "Momentum", "momentum": 0.9, "use_nesterov": True},
            "learning_rate": {**schedule, "max_epoch": EPOCHS, "iter_step": True},
            "weight_decay": {"name": "L2", "value": 0.0004},
        },
        "METRIC": {"name": "SkeletonMetric", "scores": "scores.npz"},
        **{"model_name": "net", "output_dir": "output", "epochs": EPOCHS, "log_interval": 1},
    }


Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def main(config, ppvideo_root, preloaded) -> Run:
    """Run ``main.py`` in a folder, in so many ranks, with some arguments and then others; (exit status, all output)."""

    def run(folder: Path, ranks: int, *commands: list[str]) -> tuple[int, str]:
        folder.mkdir(exist_ok=True)
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        tests, script = Path(__file__).parents[1], folder / "main.py"
        values = {"tests": str(tests), "main": str(ppvideo_root / "main.py"), "commands": commands, "ranks": ranks}
        script.write_text(SCRIPT.format(**values))
        return preloaded(script, folder, folder / "printed.txt")

    return run


@pytest.fixture(scope="module")
def trained(main, tmp_path_factory) -> dict[int, Path]:
    """Folders of a training and a test, by the number of processes."""
    base = tmp_path_factory.mktemp("trained")
    folders = {ranks: base / str(ranks) for ranks in (1, RANKS)}
    for ranks, folder in folders.items():
        training = ["--validate", "-o", f"DATASET.batch_size={8 // ranks}", "-o", "sync_bn=True"]
        status, printed = main(folder, ranks, training, ["--test", "-w", f"{folders[1]}/output/net_best.pdparams"])
        assert status == 0, printed[-4000:]
    return folders


def _curves(folder: Path, name: str) -> dict[str, np.ndarray]:
    with (folder / "output" / "curves" / name).open() as file:
        rows = list(csv.DictReader(file))
    return {key: np.array([float(row[key] or "nan") for row in rows]) for key in rows[0] if key != "seconds"}


@pytest.mark.parametrize("name", ["steps.csv", "epochs.csv"])
def test_curves_are_those_of_one_process_with_the_batches_of_all(trained, name):
    alone, ranks = (_curves(folder, name) for folder in trained.values())
    assert alone.keys() == ranks.keys() and len(alone["loss" if "loss" in alone else "train_loss"]) >= EPOCHS
    for key, values in alone.items():
        np.testing.assert_allclose(ranks[key], values, rtol=1e-6, atol=1e-6, err_msg=key)


def test_the_first_process_alone_writes(trained):
    alone, ranks = ({str(path.relative_to(folder)) for path in folder.rglob("*")} for folder in trained.values())
    assert {"output/net_best.pdparams", "scores.npz", ".log.txt"} <= alone
    # a state of random generators is each process's own
    assert {name for name in ranks if "rank" not in name or "log" in name} == alone


def test_a_test_counts_every_clip_once_and_keeps_the_order(trained):
    alone, ranks = (Scores.read(folder / "scores.npz") for folder in trained.values())
    assert len(ranks.values) == CLIPS["val"]
    np.testing.assert_allclose(ranks.values, alone.values, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(ranks.names, alone.names)
    np.testing.assert_array_equal(ranks.labels, alone.labels)
    said = [
        [line.split("]", 1)[1] for line in (folder / "printed.txt").read_text().splitlines() if "avg_acc1" in line]
        for folder in trained.values()
    ]
    assert said[0] == said[1] and len(said[0]) == 1


def test_mistakes_have_one_line(main, tmp_path):
    np.save(tmp_path / "one.npy", np.zeros((1, 3, 12, 25, 1), "float32"))
    np.save(tmp_path / "one_label.npy", np.zeros(1, "int64"))
    one = ["-o", "DATASET.valid.file_path=one.npy", "-o", "DATASET.valid.label_path=one_label.npy"]
    static = ["-o", "sync_bn=True", "-o", "to_static=True"]
    status, printed = main(tmp_path, RANKS, ["--validate", *one], ["-o", "sync_bn=often"], static)
    assert status == 1
    assert printed.count("error: 1 samples cannot be shared out to 2 processes; start at most 1 of them") == RANKS
    assert printed.count("error: sync_bn must be True or False, got 'often'") == RANKS
    assert printed.count("error: on a CPU sync_bn does not go with to_static; leave one of them out") == RANKS


def _ranks_below(launcher: int) -> list[int]:
    """Process ids of what a launcher has started, in the order of their ranks."""
    return [int(child) for child in Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks for processes in /proc")
def test_a_killed_process_ends_the_job(config, ppvideo_root, tmp_path):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({**config, "epochs": 1000}))
    launch = [sys.executable, "-m", "paddle.distributed.launch", "--nproc_per_node", str(RANKS), "--log_dir", "log"]
    command = [*launch, ppvideo_root / "main.py", "-c", "config.yaml"]
    with (tmp_path / "printed.txt").open("wb") as printed:
        job = subprocess.Popen(command, cwd=tmp_path, stdout=printed, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            saved, end = tmp_path / "output" / "net_epoch_00001.pdparams", time.monotonic() + 120
            while not saved.exists() and job.poll() is None and time.monotonic() < end:
                time.sleep(0.2)
            ranks = _ranks_below(job.pid)
            assert len(ranks) == RANKS, (tmp_path / "printed.txt").read_text()[-3000:]
            os.kill(ranks[1], signal.SIGKILL)
            assert job.wait(60) != 0
        finally:
            if job.poll() is None:
                os.killpg(job.pid, signal.SIGKILL)
    text = (tmp_path / "printed.txt").read_text()
    # whichever the launcher sees first: the one that was killed, or the one that lost it
    assert re.search(r"Container rank [01] status failed .* log log/workerlog", text), text[-3000:]
    assert "of its own 4 samples; -o sync_bn=True" in text
    assert not any(Path(f"/proc/{rank}").exists() for rank in ranks)
