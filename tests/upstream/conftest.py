"""A small labelled set in upstream's format, and upstream's scripts run on it as a user runs them."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import preloaded as preloading
import pytest
from series import FOLDER

from ctrgcn_plugin.data.prepared import CARD, Card

CLIPS, CLASSES, WINDOW = 8, 4, 16
CONFIGS = "configs/recognition/ctrgcn"


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`CLIPS` clips of up to two persons, of unequal length, for training and for testing."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        clips = np.zeros((CLIPS, 3, 40, 25, 2), "float32")
        for index, clip in enumerate(clips):
            length = int(rng.integers(20, 40))
            clip[:, :length, :, : 1 + index % 2] = rng.standard_normal((3, length, 25, 1 + index % 2))
        np.save(folder / f"{split}_data.npy", clips)
        names, labels = [f"clip{i}" for i in range(CLIPS)], [i % CLASSES for i in range(CLIPS)]
        (folder / f"{split}_label.pkl").write_bytes(pickle.dumps((names, labels)))
    # two of them without a clip
    classes = [f"action, {label}" for label in range(CLASSES + 2)]
    card = Card("small", "ntu_rgb_d", 3, 2, 40, "metres", classes, {"split": {"train": CLIPS, "val": CLIPS}})
    (folder / CARD).write_text(card.text())
    return folder


@pytest.fixture(scope="session")
def small(data: Path) -> list[str]:
    """``-o`` options that make any shipped config train on the small set in seconds."""
    options = {"epochs": 1, "DATASET.batch_size": 4, "DATASET.test_batch_size": 4, "DATASET.num_workers": 0}
    for part, split in (("train", "train"), ("valid", "val"), ("test", "val")):
        options[f"DATASET.{part}.file_path"] = data / f"{split}_data.npy"
        options[f"DATASET.{part}.label_path"] = data / f"{split}_label.pkl"
        options[f"PIPELINE.{part}.sample.1.SketeonCropSample.window_size"] = WINDOW
    return _as_options(options)


def _as_options(options: dict) -> list[str]:
    return [part for key, value in options.items() for part in ("-o", f"{key}={value}")]


@pytest.fixture(scope="session")
def narrow():
    """``-o`` options that make a config's networks 8 channels wide, for `CLASSES` classes."""

    def options(config: str, **more: object) -> list[str]:
        places = ("MODEL.models.0.Teacher", "MODEL.models.1.Student") if config.endswith("dml") else ("MODEL",)
        values = {
            f"{place}.{key}": value
            for place in places
            for key, value in (("backbone.base_channel", 8), ("head.in_channels", 8), ("head.num_classes", CLASSES))
        }
        return _as_options({**values, **more})

    return options


START = """
import json, sys
sys.path.insert(0, {root!r})
import numpy as np
import paddle
import paddlevideo.modeling, paddlevideo.loader, paddlevideo.solver
def answer(**values):
    print("ANSWER" + json.dumps(values))
"""


@pytest.fixture
def probe(ppvideo_root, preloaded, tmp_path):
    """Run code in stock PaddleVideo, some fixes switched off; (answer or None, all that was printed)."""

    def run(code: str, off: str = "") -> tuple[dict | None, str]:
        text = START.format(root=str(ppvideo_root)) + textwrap.dedent(code)
        # a file, because making a network static takes its source
        (tmp_path / "probe.py").write_text(text)
        log = tmp_path / "probe.log"
        _, printed = preloaded(tmp_path / "probe.py", tmp_path, log, PADDLEVIDEO_PLUGIN_FIXES=off)
        found = [line[6:] for line in printed.splitlines() if line.startswith("ANSWER")]
        return (json.loads(found[-1]) if found else None), printed

    return run


@pytest.fixture(scope="session")
def git():
    """``git *arguments`` in a folder, with an identity; what it printed."""

    def run(folder: Path, *arguments: object) -> str:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *map(str, arguments)]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run


@pytest.fixture(scope="session")
def preloaded():
    """Run a script in a folder, see ``preloaded.py``: (exit status, what it printed)."""
    command = [sys.executable, preloading.__file__]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(script: Path, folder: Path, output: Path, **environment: str) -> tuple[int, str]:
        asked = {"script": str(script), "cwd": str(folder), "output": str(output)}
        server.stdin.write(json.dumps({**asked, "environment": {**os.environ, **environment}}) + "\n")
        server.stdin.flush()
        return int(server.stdout.readline()), output.read_text(encoding="utf-8", errors="replace")

    yield run
    server.stdin.close()
    server.wait()


@pytest.fixture
def evidence(preloaded, tmp_path):
    """Run one piece of evidence in a PaddleVideo: (exit status, its verdict)."""

    def run(name: str, root: Path, off: str = "") -> tuple[int, str]:
        script = FOLDER / "evidence" / f"{name}.py"
        status, printed = preloaded(script, root, tmp_path / "evidence.log", PADDLEVIDEO_PLUGIN_FIXES=off)
        verdicts = [line for line in printed.splitlines() if line.startswith(("FAULT: ", "fine: ", "cannot be"))]
        assert verdicts, f"{name} came to no verdict:\n{printed[-3000:]}"
        return status, verdicts[-1]

    return run
