"""``paddlevideo.utils.config``: configs that the checkout does not have, and mistakes in them."""

from __future__ import annotations

import functools
from pathlib import Path
from types import ModuleType
from typing import Any

from ctrgcn_plugin import configs
from ctrgcn_plugin.upstream import config_check, script
from ctrgcn_plugin.upstream.fixes import scripts
from ctrgcn_plugin.upstream.fixes.fix import STOPS, Fix, always


def _find_shipped(module: ModuleType) -> None:
    original = module.get_config

    @functools.wraps(original)
    def get_config(fname: str, *args: Any, **kwargs: Any) -> Any:
        if not Path(fname).is_file():
            copy = configs.find(fname)
            module.logger.info(f"{fname} is not in this folder: using the copy that ctrgcn-plugin ships, {copy}")
            fname = str(copy)
        config = original(fname, *args, **kwargs)
        config_check.check(config)
        if script.weights_given() or script.role() in script.WITH_WEIGHTS:
            forget_pretrained(config)
        scripts.mend(script.main_module(), config)
        return config

    module.get_config = get_config  # type: ignore[attr-defined]


def forget_pretrained(config: Any) -> None:
    """Blank every network's `pretrained`: the weights come from a checkpoint of the whole model."""
    for entry in config.get("MODEL", {}).get("models") or []:
        for network in entry.values():
            if isinstance(network, dict) and network.get("backbone", {}).get("pretrained"):
                network["backbone"]["pretrained"] = ""


FIXES = (
    Fix(
        "shipped-configs",
        "paddlevideo.utils.config",
        "utils/config.py:170",
        "config file(configs/recognition/ctrgcn/...) is not exist",
        STOPS,
        always,
        _find_shipped,
    ),
)
