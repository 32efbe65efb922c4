"""What the scripts beside this one share. Each of them shows one fault of PaddleVideo.

Run one in the folder of a PaddleVideo, stock or patched::

    cd PaddleVideo && python path/to/patches/evidence/empty-clip.py

It ends with ``FAULT: ...`` and exit status 1 where the fault is there, with ``fine: ...`` and 0 where it
is not, and with ``cannot be shown: ...`` and 77 where this machine or this PaddleVideo cannot tell.
Nothing is needed but what PaddleVideo itself needs, and nothing is written but in temporary folders.
"""

from __future__ import annotations

import atexit
import copy
import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
import tempfile
import zlib  # noqa: F401, before paddle: Paddle 2.6 exports symbols of a zlib of its own
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np

ROOT = Path.cwd()
CLASSES, CLIPS, WINDOW = 6, 8, 16

# PaddleVideo writes a log where it is imported
WORK = Path(tempfile.mkdtemp(prefix="evidence-"))
atexit.register(shutil.rmtree, WORK, ignore_errors=True)
if not (ROOT / "paddlevideo" / "__init__.py").is_file():
    sys.exit(f"{ROOT} is no PaddleVideo: run this in a folder with main.py and paddlevideo/")
os.chdir(WORK)
sys.path.insert(0, str(ROOT))


def fault(text: object) -> NoReturn:
    """The fault is there."""
    print(f"FAULT: {' '.join(str(text).split())}")
    sys.exit(1)


def fine(text: object) -> NoReturn:
    """The fault is not there."""
    print(f"fine: {' '.join(str(text).split())}")
    sys.exit(0)


def cannot_be_shown(reason: object) -> NoReturn:
    """Neither can be told here."""
    print(f"cannot be shown: {' '.join(str(reason).split())}")
    sys.exit(77)


def need(path: str) -> Path:
    """A file of this PaddleVideo; PyPI's distribution lacks some."""
    if not (ROOT / path).is_file():
        cannot_be_shown(f"this PaddleVideo has no {path}")
    return ROOT / path


def verdict(healthy: bool, text: object) -> NoReturn:
    """`fine` or `fault`."""
    fine(text) if healthy else fault(text)


def run(script: str, *arguments: object, timeout: float = 240) -> tuple[int, str]:
    """(exit status, output) of one of PaddleVideo's scripts, run in the temporary folder."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    result = subprocess.run(
        [sys.executable, str(need(script)), *map(str, arguments)],
        cwd=WORK,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    return result.returncode, result.stdout


def on_cpu() -> None:
    """Have ``paddle.set_device`` take the CPU whatever it is asked for: another fault, with its own evidence."""
    import paddle

    original = paddle.set_device
    paddle.set_device = lambda device: original("cpu")


def in_two_processes(run: Callable[[int], object]) -> list:
    """What a function of the rank returns in two processes that talk by gloo, as on two cards; an error as its text."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    endpoints = [f"127.0.0.1:{port + rank}" for rank in range(2)]
    answers = [WORK / f"rank{rank}.json" for rank in range(2)]
    children = []
    for rank in range(2):
        child = os.fork()
        if not child:
            os.environ.update(
                PADDLE_DISTRI_BACKEND="gloo",
                PADDLE_MASTER=endpoints[0],
                PADDLE_TRAINERS_NUM="2",
                PADDLE_TRAINER_ID=str(rank),
                PADDLE_CURRENT_ENDPOINT=endpoints[rank],
                PADDLE_TRAINER_ENDPOINTS=",".join(endpoints),
            )
            import paddle

            try:
                paddle.distributed.init_parallel_env()
                answer = run(rank)
            except Exception as error:
                answer = f"{type(error).__name__}: {error}"
            answers[rank].write_text(json.dumps(answer))
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    if not all(answer.is_file() for answer in answers):
        cannot_be_shown("two processes that talk by gloo do not end well here")
    return [json.loads(answer.read_text()) for answer in answers]


def last_line(output: str) -> str:
    """Of what a script printed."""
    return next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "no output")


def clip(length: int = 30, frames: int = 40, persons: int = 2, seed: int = 0) -> np.ndarray:
    """A clip (3, frames, 25, 2) float32 of random joints in its first `length` frames."""
    values = np.zeros((3, frames, 25, 2), "float32")
    values[:, :length, :, :persons] = np.random.default_rng(seed).standard_normal((3, length, 25, persons))
    return values


def dataset(clips: int = CLIPS) -> dict:
    """The DATASET section of a config, for a small set in the temporary folder."""
    np.save(WORK / "data.npy", np.stack([clip(seed=seed) for seed in range(clips)]))
    labels = [f"clip{index}" for index in range(clips)], [index % CLASSES for index in range(clips)]
    (WORK / "label.pkl").write_bytes(pickle.dumps(labels))
    split = {"format": "SkeletonDataset", "file_path": str(WORK / "data.npy"), "label_path": str(WORK / "label.pkl")}
    return {
        "batch_size": 4,
        "test_batch_size": 4,
        "num_workers": 0,
        "train": dict(split),
        "valid": {**split, "test_mode": True},
        "test": {**split, "test_mode": True},
    }


def pipeline() -> dict:
    """The PIPELINE section of a config; a crop that meets none of the faults of cropping."""
    steps = {"sample": [{"Iden": None}, {"SketeonCropSample": {"window_size": WINDOW, "p_interval": [0.95]}}]}
    return {mode: copy.deepcopy(steps) for mode in ("train", "valid", "test")}


def config(**sections: object) -> dict:
    """A config that trains a small CTRGCN for one epoch; `sections` replace its own."""
    return {
        "MODEL": {
            "framework": "RecognizerGCN",
            "backbone": {"name": "CTRGCN", "base_channel": 8},
            "head": {"name": "CTRGCNHead", "in_channels": 8, "num_classes": CLASSES},
        },
        "DATASET": dataset(),
        "PIPELINE": pipeline(),
        "OPTIMIZER": {
            "name": "Momentum",
            "momentum": 0.9,
            "learning_rate": {
                "name": "CustomWarmupAdjustDecay",
                "iter_step": True,
                "step_base_lr": 0.1,
                "warmup_epochs": 1,
                "lr_decay_rate": 0.1,
                "boundaries": [5],
            },
        },
        "METRIC": {"name": "SkeletonMetric"},
        "INFERENCE": {"name": "CTRGCN_Inference_helper", "window_size": WINDOW},
        "model_name": "CTRGCN",
        "epochs": 1,
        "log_interval": 1,
        **sections,
    }


def config_file(**sections: object) -> Path:
    """That config as a file."""
    import yaml

    path = WORK / "config.yaml"
    path.write_text(yaml.safe_dump(config(**sections)))
    return path


def rates(schedule: str, steps: int, **settings: object) -> list[float]:
    """The learning rates of the first steps of one of PaddleVideo's schedules, with four iterations an epoch."""
    from paddlevideo.solver import build_lr

    made, found = build_lr({"name": schedule, **settings}, 4), []
    for _ in range(steps):
        found.append(round(float(made.get_lr()), 9))
        made.step()
    return found
