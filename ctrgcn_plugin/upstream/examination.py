"""Looks at a PaddleVideo from inside a process of its own: imports all that the fixes belong to.

Run as ``python -c START root result.json`` by :mod:`ctrgcn_plugin.upstream.doctor`, in a folder that may be
written to, because upstream logs where it is imported.
"""

from __future__ import annotations

import importlib
import json
import runpy
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

# what main.py does first, so that the start-up hook acts as it does there, or does not
START = """
import sys
root, result = sys.argv[1:]
sys.path[:0] = [root, root + "/tools"]
try:
    import paddle
except ImportError:
    pass
import paddlevideo
# where the plugins are switched off, the hook wakes and does nothing
hooked = "ctrgcn_plugin.discovery" in sys.modules
from ctrgcn_plugin.upstream import examination
examination.main(root, result, hooked)
"""


def main(root: str, result: str, hooked: bool) -> None:
    """Write what is found into the file `result`, as JSON."""
    import ctrgcn_plugin.autoload  # noqa: F401, installs the hook where the interpreter's start has not

    found = {"hooked": hooked, "versions": _versions(), "plugins": _plugins()}
    found["fixes"], found["failed"] = _fixes(Path(root))
    Path(result).write_text(json.dumps(found), encoding="utf-8")


def _versions() -> dict[str, str]:
    versions = {}
    for name in ("numpy", "paddle"):
        try:
            versions[name] = str(importlib.import_module(name).__version__)
        except Exception as error:
            versions[name] = f"cannot be imported: {error}"
    paddlevideo = importlib.import_module("paddlevideo")
    versions["paddlevideo"] = str(getattr(paddlevideo, "paddlevideo_version", "unknown"))
    return versions


def _plugins() -> dict[str, str]:
    from ctrgcn_plugin import discovery

    return {name: point.value for name, point in discovery.discover().items()}


def _fixes(root: Path) -> tuple[dict[str, dict], dict[str, str]]:
    """(outcome of each fix, module or script that could not be imported -> why)."""
    from ctrgcn_plugin.upstream import fixes
    from ctrgcn_plugin.upstream.fixes.fix import outcomes, run

    failed: dict[str, str] = {}
    loaded: dict[str, ModuleType] = {}
    for module in dict.fromkeys(fix.module for fix in fixes.FIXES):
        try:
            loaded[module] = _script(root / module) if module.endswith(".py") else importlib.import_module(module)
        except (Exception, SystemExit) as error:
            failed[module] = f"{type(error).__name__}: {error}"
    found: dict[str, Any] = {}
    for fix in fixes.FIXES:
        if fix.in_script and fix.module in loaded:
            run(fix, loaded[fix.module])
        outcome = asdict(outcomes[fix.name]) if fix.name in outcomes else {"what": "unchecked", "reason": ""}
        if fix.module in failed:
            outcome["reason"] = failed[fix.module]
        found[fix.name] = outcome
    return found, failed


def _script(path: Path) -> ModuleType:
    """A script's definitions, without running it."""
    if not path.is_file():
        raise FileNotFoundError("this PaddleVideo does not have it")
    module = ModuleType("examined")
    arguments, sys.argv = sys.argv, [str(path)]
    try:
        vars(module).update(runpy.run_path(str(path), run_name="examined"))
    finally:
        sys.argv = arguments
    return module
