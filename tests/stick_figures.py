"""Small prepared data without a fault, for tests to plant faults in."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

POSE = np.array([[0.0, 0.0, 2.0], [0.0, 0.5, 2.0], [-0.5, 0.2, 2.0], [0.5, 0.2, 2.0]])
C, T, V, M = 3, 12, 4, 2
CLASSES = 5


@dataclass
class Split:
    """Clips (N, C, T, V, M), their names and labels."""

    clips: np.ndarray
    names: list[str]
    labels: list[int]


@dataclass
class Data:
    """What is in a folder before it is written: one protocol, the card, the layout, the preparation's report."""

    train: Split
    val: Split
    protocol: str
    card: dict[str, Any]
    layout: dict[str, Any]
    report: str = ""
    left_out: list[str] = field(default_factory=list)

    def write(self, folder: Path) -> Path:
        inside = folder / self.protocol
        inside.mkdir(parents=True)
        for name, split in (("train", self.train), ("val", self.val)):
            np.save(inside / f"{name}_data.npy", split.clips)
            (inside / f"{name}_label.pkl").write_bytes(pickle.dumps((split.names, split.labels)))
        (folder / "layout.yaml").write_text(yaml.safe_dump(self.layout, sort_keys=False))
        counts = {"train": len(self.train.clips), "val": len(self.val.clips)}
        card = {"protocols": {self.protocol: counts}, **self.card}
        (folder / "dataset.yaml").write_text(yaml.safe_dump(card))
        if self.report:
            (folder / "report.csv").write_text(self.report)
        for name in self.left_out:
            next(folder.rglob(name)).unlink()
        return folder


def walk(seed: int, frames: int, persons: int = 1) -> np.ndarray:
    """(C, T, V, M) float32: people with a trunk of half a metre who move a little, and zeros after `frames`."""
    rng = np.random.default_rng(seed)
    clip = np.zeros((C, T, V, M), np.float32)
    for person in range(persons):
        moves = rng.normal(0, 0.02, (frames, V, C)).cumsum(axis=0)
        clip[:, :frames, :, person] = (POSE + person + moves).transpose(2, 0, 1)
    return clip


def good() -> Data:
    """Ten clips of subjects 1 and 2 to train, five of subject 3 to test.

    Label k has 6 + k frames, and two persons where k is odd.
    """

    def split(*subjects: int) -> Split:
        takes = [(subject, label) for subject in subjects for label in range(CLASSES)]
        return Split(
            np.stack([walk(10 * subject + label, 6 + label, 1 + label % 2) for subject, label in takes]),
            [f"S001C001P{subject:03}R001A{label + 1:03}" for subject, label in takes],
            [label for _, label in takes],
        )

    card = {
        "name": "stick figures",
        "layout": "layout.yaml",
        "coordinates": C,
        "persons": M,
        "frames": T,
        "unit": "metres",
        "classes": list("abcde"),
    }
    layout = {
        "joints": {"hip": None, "chest": "hip", "left_hand": "chest", "right_hand": "chest"},
        "trunk": [["hip", "chest"]],
    }
    return Data(split(1, 2), split(3), "xsub", card, layout)
