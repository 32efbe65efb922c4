"""Training curves as scalars for VisualDL, ``visualdl --logdir output``."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Optional

from ctrgcn_plugin.curves import FOLDER, Curves
from ctrgcn_plugin.environment import require_library

LIBRARY = "visualdl"
METERS = ("loss", "top1", "top5")
# column -> tag; those of ``paddle.callbacks.VisualDL`` are train/... by step and eval/... by epoch
OF_STEP = {name: f"train/{name}" for name in (*METERS, "lr")}
OF_EPOCH = {
    "lr": "train_epoch/lr",
    **{f"train_{name}": f"train_epoch/{name}" for name in METERS},
    **{f"valid_{name}": f"eval/{name}" for name in METERS},
}


def installed() -> bool:
    """Whether VisualDL is there; it is not imported."""
    return importlib.util.find_spec(LIBRARY) is not None


class VisualDLLog:
    """A log file of VisualDL's in the folder of the curves, written while a training goes on.

    Args:
        run_folder: the training's output folder.
        kept: rows to begin with. Of several logs in a folder VisualDL shows the newest alone, so a resumed training's
            has all from the start.
    """

    def __init__(self, run_folder: str | os.PathLike[str], kept: Curves) -> None:
        visualdl = require_library(LIBRARY, LIBRARY, "writing training curves for VisualDL")
        self._writer = visualdl.LogWriter(str(Path(run_folder) / FOLDER))
        for row in kept.steps:
            self.step(row)
        for row in kept.epochs:
            self.epoch(row)

    def step(self, row: Mapping[str, Optional[float]]) -> None:
        """Add the scalars of a step."""
        self._add(OF_STEP, row, row["step"])

    def epoch(self, row: Mapping[str, Optional[float]]) -> None:
        """Add those scalars of an epoch that the row has."""
        self._add(OF_EPOCH, row, row["epoch"])

    def close(self) -> None:
        """Have the rest written, by VisualDL's own thread."""
        self._writer.close()

    def _add(self, tags: Mapping[str, str], row: Mapping[str, Optional[float]], number: Optional[float]) -> None:
        for name, tag in tags.items():
            value = row.get(name)
            if value is not None:
                self._writer.add_scalar(tag, value, int(number or 0))
