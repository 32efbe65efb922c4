"""How good a training's best checkpoint is: noted beside it, in ``<model_name>_best.json``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Optional

from ctrgcn_plugin.errors import CheckpointError, one_line
from ctrgcn_plugin.training.state import saving


@dataclass(frozen=True)
class Best:
    """The best so far, in upstream's own measure, and the epoch it was reached in."""

    best: float
    epoch: int

    def __str__(self) -> str:
        return f"{self.best} of epoch {self.epoch}"


# name and form are those of the patch best-on-resume, so that either can go on from the other's
def path(folder: Path, model_name: str) -> Path:
    """Where it is noted."""
    return folder / f"{model_name}_best.json"


def read(folder: Path, model_name: str) -> Optional[Best]:
    """What is noted; None where nothing is, or its checkpoint is gone.

    Raises:
        CheckpointError: the file is something else.
    """
    file = path(folder, model_name)
    if not (file.is_file() and file.with_suffix(".pdparams").is_file()):
        return None
    try:
        return of(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(
            f"{file}, which says how good the best checkpoint is, cannot be read ({type(error).__name__}: "
            f"{one_line(error)}); remove it to let the next epoch replace that checkpoint"
        ) from error


def of(noted: dict[str, float]) -> Best:
    """What JSON has of it; raises ValueError, KeyError or TypeError where that is something else."""
    return Best(float(noted["best"]), int(noted["epoch"]))


def write(folder: Path, model_name: str, best: Best) -> None:
    """Note it, when the checkpoint has been saved."""
    with saving(path(folder, model_name)) as file:
        file.write(json.dumps(asdict(best)).encode())
