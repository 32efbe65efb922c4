"""What a training, a test, an export and a benchmark leave in a folder: small, and as they write it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import stick_figures
import yaml

from ctrgcn_plugin.curves import CsvFiles, Curves
from ctrgcn_plugin.data.scores import Scores
from ctrgcn_plugin.deploy.card import Card, checksums

NAME = "stick_figures_joint"
CONFIG, SCORES, BENCHMARK = Path("config.yaml"), Path("scores.npz"), Path("latency.json")
RUN = Path("output", NAME)
EPOCHS, CLASSES = 3, stick_figures.CLASSES
TESTED = 20


def data() -> stick_figures.Data:
    """Ten clips to train, twenty to test."""
    made = stick_figures.good()
    rows = range(TESTED)
    made.val = stick_figures.Split(
        np.stack([stick_figures.walk(100 + row, 6 + row % 7, 1 + row % 2) for row in rows]),
        [f"S001C001P{3 + row // CLASSES:03}R001A{row % CLASSES + 1:03}" for row in rows],
        [row % CLASSES for row in rows],
    )
    return made


def scores(labels: list[int]) -> Scores:
    """Of the right class where nothing else is said; three clips of "c" are taken for "e", one of "a" for "b"."""
    values = np.random.default_rng(0).normal(0, 0.3, (len(labels), CLASSES)).astype(np.float32)
    values[range(len(labels)), labels] += 3
    for row, taken, size in ((2, 4, 4), (7, 4, 9), (12, 4, 6), (0, 1, 4)):
        values[row, taken] += size
    return Scores(values, np.array(labels))


def write(folder: Path, made: stick_figures.Data) -> Scores:
    """All of it; the scores, which are also saved with the clips' names."""
    made.write(folder / "prepared")
    inside = folder / "prepared" / made.protocol
    files = {"file_path": f"{inside}/{{}}_data.npy", "label_path": f"{inside}/{{}}_label.pkl"}
    graph = str(folder / "prepared" / "layout.yaml")
    model = {
        "backbone": {"name": "CTRGCN_lightV2", "graph": graph, "num_person": 2, "base_channel": 8},
        "head": {"name": "CTRGCNMixupHead", "num_classes": CLASSES, "in_channels": 8},
    }
    config = {
        "MODEL": model,
        "DATASET": {
            part: {"format": "SkeletonDataset", **{key: path.format(split) for key, path in files.items()}}
            for part, split in (("train", "train"), ("valid", "val"), ("test", "val"))
        },
        "METRIC": {"name": "SkeletonMetric", "scores": str(SCORES)},
        "INFERENCE": {"window_size": 8},
        "model_name": NAME,
    }
    (folder / CONFIG).write_text(yaml.safe_dump(config))
    said = scores(made.val.labels)
    Scores(said.values, said.labels, np.array(made.val.names)).save(folder / SCORES)
    _train(folder / RUN)
    _export(folder / "inference")
    _benchmark(folder / BENCHMARK)
    return said


def _train(folder: Path) -> None:
    files = CsvFiles(folder, Curves())
    for epoch in range(1, EPOCHS + 1):
        row = {"lr": 0.1 / epoch, "train_loss": 2 / epoch, "train_top1": 1 - 0.5**epoch}
        files.epoch({"epoch": epoch, **row, "valid_loss": math.nan if epoch == 2 else 2.5 / epoch})
    files.close()


def _export(folder: Path) -> None:
    folder.mkdir()
    model = folder / f"{NAME}.json"
    for file in (model, model.with_suffix(".pdiparams")):
        file.write_bytes(file.suffix.encode() * 1000)
    card = Card(
        **{"model": NAME, "backbone": "CTRGCN_lightV2", "style": "fused", "precision": "fp32"},
        **{"channels": 3, "frames": 8, "joints": 4, "persons": 2, "skips_absent": True, "p_interval": [0.95]},
        **{"modality": "joint", "parents": [], "layout": "layout", "unit": "metres"},
        **{"classes": CLASSES, "names": list("abcde"), "parameters": 1234, "paddle": "3.3.1"},
        verified={"paddle/default": 8.5e-7, "paddle/onednn_off": 1.25e-6},
        sha256=checksums([model, model.with_suffix(".pdiparams")], NAME),
        probe=[[0.0] * CLASSES] * 2,
    )
    model.with_name(model.name + ".yaml").write_text(card.text())


def _benchmark(file: Path) -> None:
    case = {"case": "fused paddle/default", "median_ms": 12.345, "q1_ms": 12.0, "q3_ms": 13.0, "size_mb": 0.67}
    case.update(clips_per_second=81.0, peak_mb=None, failed=None)
    failed = {"case": "plain paddle/default", "median_ms": None, "failed": "out of memory"}
    record = {"machine": {"cpu": "A Processor", "cores": 2}, "versions": {"paddle": "3.3.1"}, "cases": [case, failed]}
    file.write_text(json.dumps(record))
