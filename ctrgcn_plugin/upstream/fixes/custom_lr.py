"""``paddlevideo.solver.custom_lr``: two schedules that cannot step by epochs."""

from __future__ import annotations

import functools
import inspect
from types import ModuleType
from typing import Any

from ctrgcn_plugin.upstream.fixes.fix import Fix


def _step_by_epochs(module: ModuleType, name: str) -> bool:
    schedule = getattr(module, name)
    signature = inspect.signature(schedule.__init__)
    if signature.parameters["num_iters"].default not in (None, inspect.Parameter.empty):
        return False
    original = schedule.__init__

    @functools.wraps(original)
    def with_one_step_an_epoch(self, *args, **kwargs):
        given = signature.bind_partial(self, *args, **kwargs).arguments
        if given.get("num_iters") is None:
            kwargs["num_iters"] = 1
        original(self, *args, **kwargs)

    parameters = {**signature.parameters, "num_iters": signature.parameters["num_iters"].replace(default=1)}
    wrapped: Any = with_one_step_an_epoch
    wrapped.__signature__ = signature.replace(parameters=list(parameters.values()))
    schedule.__init__ = with_one_step_an_epoch
    return True


def _adjust(module: ModuleType) -> bool:
    return _step_by_epochs(module, "CustomWarmupAdjustDecay")


def _cosine(module: ModuleType) -> bool:
    return _step_by_epochs(module, "CustomWarmupCosineDecay")


FIXES = (
    Fix(
        "adjust-decay-by-epoch",
        "paddlevideo.solver.custom_lr",
        "solver/custom_lr.py:322",
        "unsupported operand type(s) for /: 'int' and 'NoneType' after the first epoch",
        _adjust,
    ),
    Fix(
        "cosine-decay-by-epoch",
        "paddlevideo.solver.custom_lr",
        "solver/custom_lr.py:41",
        "missing 1 required positional argument: 'num_iters'",
        _cosine,
    ),
)
