"""What a run-time fix is, and how it is applied."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from types import ModuleType

from ctrgcn_plugin import import_hooks

SWITCH = "PADDLEVIDEO_PLUGIN_FIXES"

# what a fault does to a user
STOPS = "stops"  # a right command does not end well
FALSIFIES = "falsifies"  # it ends well with a wrong result
ENDANGERS = "endangers"  # it runs what others wrote, ends what others run, or leaves processes behind
MISLEADS = "misleads"  # a mistake of the user's own is answered late or obscurely
LACKS = "lacks"  # no fault: what a user looks for is not there
HARMS = (STOPS, FALSIFIES, ENDANGERS, MISLEADS, LACKS)

# what came of a fix
APPLIED = "applied"
NOT_NEEDED = "not needed"
OFF = "switched off"
UNCHECKED = "unchecked"
UNKNOWN = "not recognised"


@dataclass(frozen=True)
class Fix:
    """A fault of upstream and its cure.

    Attributes:
        name: what the off-switch calls it.
        module: the module it is applied to, when that is imported; for a fault in one of upstream's
            scripts its path, ``tools/predict.py``.
        where: file and line of the fault, in PaddleVideo ``ed245e9`` unless said otherwise.
        symptom: what a user sees.
        harm: what it does to the user, one of the constants above.
        faulty: whether the fault is there; raises where it does not recognise what it sees.
        cure: removes the fault.
        early: look and cure before the module's body runs, not after.
    """

    name: str
    module: str
    where: str
    symptom: str
    harm: str
    faulty: Callable[[ModuleType], bool]
    cure: Callable[[ModuleType], object]
    early: bool = False

    @property
    def in_script(self) -> bool:
        """Whether the fault is in a script of upstream's, which is the module ``__main__`` while it runs."""
        return self.module.endswith(".py")


@dataclass(frozen=True)
class Outcome:
    """What came of a fix: one of the constants above, and for what was not recognised the reason."""

    what: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}" if self.reason else self.what


outcomes: dict[str, Outcome] = {}


def always(_: ModuleType) -> bool:
    """For what stock upstream, of whatever version, does not have."""
    return True


def attach(fixes: Iterable[Fix]) -> None:
    """Have every fix applied as its module is imported; at once where it already is."""
    for fix in fixes:
        outcomes[fix.name] = Outcome(UNCHECKED)
        if not fix.in_script:
            (import_hooks.before if fix.early else import_hooks.after)(fix.module, partial(run, fix))


def switched_off() -> set[str]:
    """What the off-switch names; ``0`` is everything."""
    return {word.strip() for word in os.environ.get(SWITCH, "").split(",")} - {""}


def report_unknown() -> None:
    """Say which words of the off-switch name no fix."""
    for word in sorted(switched_off() - set(outcomes) - {"0"}):
        sys.stderr.write(f"ctrgcn: {SWITCH} names {word!r}, which is no fix; ctrgcn doctor lists them\n")


def run(fix: Fix, module: ModuleType) -> None:
    """Look for one fault now, cure it unless the off-switch names its fix, and note what came of it."""
    if outcomes.get(fix.name) == Outcome(APPLIED):
        return
    off = bool(switched_off() & {fix.name, "0"})
    try:
        if not fix.faulty(module):
            outcome = Outcome(NOT_NEEDED)
        elif off:
            outcome = Outcome(OFF)
        else:
            fix.cure(module)
            outcome = Outcome(APPLIED)
    except Exception as error:
        # an upstream that a fix does not recognise is left as it is, and the user is told
        reason = f"{type(error).__name__}: {error}"
        outcome = Outcome(OFF if off else UNKNOWN, "" if off else reason)
        if not off:
            sys.stderr.write(
                f"ctrgcn: fix {fix.name!r} of {fix.where} does not recognise this PaddleVideo, which is left as it "
                f"is: {reason} ({SWITCH}={fix.name} silences this)\n"
            )
    outcomes[fix.name] = outcome
