"""``paddlevideo.solver.custom_lr``: two schedules that cannot step by epochs."""

from __future__ import annotations

import functools
import inspect
from types import ModuleType
from typing import Any

from ctrgcn_plugin.upstream.fixes.fix import STOPS, Fix


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


def _by_epochs(fix: str, schedule: str, line: int, symptom: str, *arguments: Any) -> Fix:
    """The fix of one schedule; `arguments` make a small one to try."""

    def faulty(module: ModuleType) -> bool:
        return not _steps_by_epochs(getattr(module, schedule), *arguments)

    def cure(module: ModuleType) -> None:
        _default_to_one_step(getattr(module, schedule))

    return Fix(fix, "paddlevideo.solver.custom_lr", f"solver/custom_lr.py:{line}", symptom, STOPS, faulty, cure)


FIXES = (
    _by_epochs(
        "adjust-decay-by-epoch",
        "CustomWarmupAdjustDecay",
        322,
        "unsupported operand type(s) for /: 'int' and 'NoneType' after the first epoch",
        *(0.1, 1, 0.1, [1]),
    ),
    _by_epochs(
        "cosine-decay-by-epoch",
        "CustomWarmupCosineDecay",
        41,
        "missing 1 required positional argument: 'num_iters'",
        *(0.01, 1, 0.1, 2),
    ),
)
