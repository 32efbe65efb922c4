"""Upstream's faults on the skeleton path, cured as its modules are imported. No file is edited.

One module here for each upstream module. A fix looks for its fault, never for a version, and does
nothing where the fault is absent.
"""

from __future__ import annotations

from ctrgcn_plugin.upstream.fixes import (
    accuracy,
    compat,
    config,
    ctrgcn,
    custom_lr,
    dataloader,
    device,
    recognizer_gcn,
    save_load,
    scripts,
    skeleton_pipeline,
)
from ctrgcn_plugin.upstream.fixes import fix as _fix

FIXES = (
    *compat.FIXES,
    *config.FIXES,
    *save_load.FIXES,
    *dataloader.FIXES,
    *skeleton_pipeline.FIXES,
    *ctrgcn.FIXES,
    *accuracy.FIXES,
    *recognizer_gcn.FIXES,
    *custom_lr.FIXES,
    *device.FIXES,
    *scripts.FIXES,
)


def attach() -> None:
    """Have every fix applied as its module is imported."""
    _fix.attach(FIXES)
