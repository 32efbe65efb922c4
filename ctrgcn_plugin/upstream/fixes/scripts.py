"""Upstream's scripts: faults in the scripts themselves.

A script's functions live in ``__main__``, or in a module of its name where another script imports it. It calls
``get_config`` when all of them are defined and none of those that matter has run: there they are mended, for
configs of the CTR-GCN family only.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ctrgcn_plugin import import_hooks, sections
from ctrgcn_plugin.tipc import supplies
from ctrgcn_plugin.upstream import config_check, recording, script
from ctrgcn_plugin.upstream.fixes import distributed, export_model, inference_helper, predict, predict_onnx
from ctrgcn_plugin.upstream.fixes.code import wrapping
from ctrgcn_plugin.upstream.fixes.fix import APPLIED, NOT_NEEDED, Fix, Outcome, outcomes, run
from ctrgcn_plugin.upstream.log import logger

FIXES = (*distributed.IN_SCRIPTS, *export_model.FIXES, *inference_helper.FIXES, *predict.FIXES)
IN_ANY = (*FIXES, *predict_onnx.SHARED)
MODULES = ("__main__", *dict.fromkeys(Path(fix.module).stem for fix in IN_ANY))
READS_CONFIGS = "paddlevideo.utils.config"


def supply() -> None:
    """Have what a config names made, where it is not there and can be, whenever a config has been read."""
    import_hooks.after(READS_CONFIGS, wrapping("get_config", _then_supply))


def attach() -> None:
    """Have the scripts mended whenever a config has been read."""
    import_hooks.after(READS_CONFIGS, wrapping("get_config", _then_mend))


def _then_supply(original: Callable) -> Callable:
    def get_config(*args: Any, **kwargs: Any) -> Any:
        config = original(*args, **kwargs)
        if script.weights_given() or script.role() in script.WITH_WEIGHTS:
            forget_pretrained(config)
        for made in supplies.supply(Path(), config):
            logger().info(f"made, because it was not there: {made}")
        return config

    return get_config


def _then_mend(original: Callable) -> Callable:
    def get_config(*args: Any, **kwargs: Any) -> Any:
        config = original(*args, **kwargs)
        mend(config)
        recording.begin()
        return config

    return get_config


def forget_pretrained(config: Any) -> None:
    """Blank `pretrained` of networks that learn from each other: the weights come from a checkpoint of them all."""
    model = config.get("MODEL") or {}
    for _, section, part in sections.parts(model) if "models" in model else ():
        if part == "backbone" and section.get("pretrained"):
            section["pretrained"] = ""


def mend(config: Any) -> None:
    """Apply their fixes to the scripts that are loaded, for a config that has just been read."""
    helps = (config.get("INFERENCE") or {}).get("name") == inference_helper.NAME
    if not helps and not config_check.concerns_us(config):
        return
    for module in filter(None, map(sys.modules.get, MODULES)):
        for fix in of(Path(getattr(module, "__file__", None) or "")):
            run(fix, module)
            if fix.name == predict.AUTO_LOG.name and outcomes[fix.name] == Outcome(NOT_NEEDED):
                # a patched script says what is missing; a benchmark is to run there all the same
                fix.cure(module)
    if helps and outcomes.get(inference_helper.PREDICT_MODALITY) == Outcome(APPLIED):
        inference_helper.take_modality(config)


def of(file: Path) -> list[Fix]:
    """The fixes of one of upstream's scripts, told by the names of its file and folders."""
    return [fix for fix in IN_ANY if file.absolute().match(fix.module)]
