"""``paddlevideo.tasks.train``: how a validation's batches make one accuracy, by which the best checkpoint is chosen."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

from ctrgcn_plugin.upstream.fixes.code import with_line
from ctrgcn_plugin.upstream.fixes.fix import FALSIFIES, Fix

# for training, whose batches are all full, and, deeper, for validation
UPDATE = "record_list[name].update(value, {})"
DEPTH = " " * 28


def _weighs_batches(module: ModuleType) -> bool:
    return inspect.getsource(inspect.unwrap(module.train_model)).count(UPDATE.format("batch_size")) > 1


def _weigh_samples(module: ModuleType) -> None:
    old, new = (DEPTH + UPDATE.format(size) for size in ("batch_size", "ctrgcn_samples(data, batch_size)"))
    module.train_model = with_line(module.train_model, old, new, ctrgcn_samples=_samples)  # type: ignore[attr-defined]


def _samples(data: Any, batch_size: int) -> int:
    """How many samples a batch has: its first tensor's length. A depth estimator's batch begins with a dict of them."""
    shape = getattr(data[0], "shape", None)
    return shape[0] if shape else batch_size


FIXES = (
    Fix(
        "validation-weights",
        "paddlevideo.tasks.train",
        "tasks/train.py:315",
        "a validation's accuracy is the mean over batches: a smaller last batch counts as much as a full one",
        FALSIFIES,
        _weighs_batches,
        _weigh_samples,
    ),
)
