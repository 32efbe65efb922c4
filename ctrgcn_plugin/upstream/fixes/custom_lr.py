"""``paddlevideo.solver.custom_lr``: two schedules that cannot step by epochs."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ctrgcn_plugin.upstream.fixes.fix import Fix


def _steps_by_epochs(schedule: type, *arguments: Any) -> bool:
    """Whether the schedule can be made, and stepped beyond its first epoch, without num_iters."""
    try:
        schedule(*arguments).step()
    except TypeError:
        return False
    return True


def _default_to_one_step(schedule: type) -> None:
    original = schedule.__init__  # type: ignore[misc]
    signature = inspect.signature(original)

    @functools.wraps(original)
    def with_one_step_an_epoch(self: Any, *args: Any, **kwargs: Any) -> None:
        given = signature.bind_partial(self, *args, **kwargs).arguments
        if given.get("num_iters") is None:
            kwargs["num_iters"] = 1
        original(self, *args, **kwargs)

    schedule.__init__ = with_one_step_an_epoch  # type: ignore[misc]


def _by_epochs(name: str, *arguments: Any) -> Callable[[ModuleType], bool]:
    """The fix of one schedule; `arguments` make a small one to try."""

    def apply(module: ModuleType) -> bool:
        schedule = getattr(module, name)
        if _steps_by_epochs(schedule, *arguments):
            return False
        _default_to_one_step(schedule)
        return True

    return apply


FIXES = (
    Fix(
        "adjust-decay-by-epoch",
        "paddlevideo.solver.custom_lr",
        "solver/custom_lr.py:322",
        "unsupported operand type(s) for /: 'int' and 'NoneType' after the first epoch",
        _by_epochs("CustomWarmupAdjustDecay", 0.1, 1, 0.1, [1]),
    ),
    Fix(
        "cosine-decay-by-epoch",
        "paddlevideo.solver.custom_lr",
        "solver/custom_lr.py:41",
        "missing 1 required positional argument: 'num_iters'",
        _by_epochs("CustomWarmupCosineDecay", 0.01, 1, 0.1, 2),
    ),
)
