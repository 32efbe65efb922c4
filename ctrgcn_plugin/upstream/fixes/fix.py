"""What a run-time fix is, and how it is applied."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import ModuleType

from ctrgcn_plugin import import_hooks

SWITCH = "PADDLEVIDEO_PLUGIN_FIXES"
SCRIPT = "__main__"


@dataclass(frozen=True)
class Fix:
    """A fault of upstream and its cure.

    Attributes:
        name: what the off-switch calls it.
        module: the module it is applied to, when that is imported; ``__main__`` for a fault in one
            of upstream's scripts.
        where: file and line of the fault, in PaddleVideo ``ed245e9`` unless said otherwise.
        symptom: what a user sees.
        apply: looks for the fault in the module and cures it; False if the fault is not there.
        early: apply before the module's body runs, not after.
    """

    name: str
    module: str
    where: str
    symptom: str
    apply: Callable[[ModuleType], bool]
    early: bool = False


outcomes: dict[str, str] = {}


def attach(fixes: tuple[Fix, ...]) -> None:
    """Have every fix applied as its module is imported."""
    for fix in fixes:
        outcomes[fix.name] = "waiting"
        if fix.module != SCRIPT:
            (import_hooks.before if fix.early else import_hooks.after)(fix.module, partial(run, fix))


def run(fix: Fix, module: ModuleType) -> None:
    """Apply one fix now, unless the off-switch names it, and note what came of it."""
    off = {word.strip() for word in os.environ.get(SWITCH, "").split(",")}
    if fix.name in off or "0" in off:
        outcomes[fix.name] = "switched off"
        return
    try:
        outcomes[fix.name] = "applied" if fix.apply(module) else "not needed"
    except Exception as error:
        # an upstream that a fix does not recognise is left as it is, and the user is told
        outcomes[fix.name] = f"not applied: {type(error).__name__}: {error}"
        sys.stderr.write(
            f"ctrgcn: fix {fix.name!r} of {fix.where} does not fit this PaddleVideo: {type(error).__name__}: {error} "
            f"({SWITCH}={fix.name} silences this)\n"
        )
