"""NaN and infinite numbers in a training.

A loss does not tell: Paddle's rectifier makes 0 of NaN, so that a network whose weights are all NaN has the loss of one
that guesses. What goes in has to be looked at as well, in every step, and the weights before they are saved.
"""

from __future__ import annotations

import glob
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Optional

import numpy as np
import paddle

from ctrgcn_plugin import checkpoint
from ctrgcn_plugin.errors import CheckpointError, UserError
from ctrgcn_plugin.training import state
from ctrgcn_plugin.training.state import WEIGHTS, Checkpoint


class NotFiniteError(UserError):
    """A training has a loss, an input or weights that are NaN or infinite."""


def all_finite(*tensors: paddle.Tensor) -> bool:
    """Whether all values of all tensors are; the device is waited for once."""
    return bool(paddle.stack([paddle.isfinite(tensor).all() for tensor in tensors]).all())


def rows_not_finite(batch: paddle.Tensor) -> list[int]:
    """Which samples of a batch (N, ...) have a value that is not."""
    return np.flatnonzero(~np.isfinite(batch.numpy()).reshape(len(batch), -1).all(axis=1)).tolist()


def weights_not_finite(weights: Mapping[str, paddle.Tensor]) -> list[str]:
    """Names of those of a state dict that have a value that is not; the device is waited for once."""
    floats = {name: value for name, value in weights.items() if paddle.is_floating_point(value)}
    whole = paddle.stack([paddle.isfinite(value).all() for value in floats.values()]).numpy()
    return [name for name, finite in zip(floats, whole) if not finite]


def newest_finite(folder: Path, model_name: str) -> Optional[Checkpoint]:
    """The checkpoint that was saved last of those that can be resumed and have finite weights."""
    files = folder.glob(f"{glob.escape(model_name)}_epoch_*{WEIGHTS}") if folder.is_dir() else ()
    for file in sorted(files, key=lambda file: file.stat().st_mtime, reverse=True):
        number = file.stem.rpartition("_")[2]
        if not number.isdecimal():
            continue
        found = Checkpoint(folder, model_name, int(number))
        with suppress(CheckpointError):
            state.check(found)
            if all(np.isfinite(value).all() for value in checkpoint.read(file).values()):
                return found
    return None
