"""Upstream's scripts in ``tools``: faults in the scripts themselves.

A script's functions live in ``__main__``. It calls ``get_config`` when all of them are defined and
none of those that matter has run: there they are mended, for configs of the CTR-GCN family.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from ctrgcn_plugin.upstream.fixes import export_model, predict
from ctrgcn_plugin.upstream.fixes.fix import Fix, run

FIXES = (*export_model.FIXES, *predict.FIXES)


def mend(main: ModuleType, config: Any) -> None:
    """Apply its fixes to the running script, for the config that it has just read."""
    if (config.get("INFERENCE") or {}).get("name") == export_model.HELPER:
        for fix in of(Path(getattr(main, "__file__", None) or "")):
            run(fix, main)


def of(script: Path) -> list[Fix]:
    """The fixes of one of upstream's scripts, told by the names of its file and folder."""
    return [fix for fix in FIXES if script.absolute().parts[-2:] == Path(fix.module).parts]
