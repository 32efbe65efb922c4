"""``RecognizerGCN``: a checkpoint of another model is tested and exported without a word."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from ctrgcn_plugin import checkpoint
from ctrgcn_plugin.upstream import script
from ctrgcn_plugin.upstream.fixes.fix import FALSIFIES, Fix
from ctrgcn_plugin.upstream.log import logger


def _takes_any_state(module: ModuleType) -> bool:
    return "set_state_dict" not in vars(module.RecognizerGCN)


def _check_state(module: ModuleType) -> None:
    recognizer = module.RecognizerGCN
    from ctrgcn_plugin.models.network import STUDENT

    def set_state_dict(self: Any, state_dict: Mapping[str, Any], use_structured_name: bool = True) -> Any:
        # in training a checkpoint may be a start for another number of classes
        strict = script.role() in script.WITH_WEIGHTS
        fit = checkpoint.load_into(self, checkpoint.of_network(state_dict, STUDENT), "the checkpoint", strict)
        logger().info(f"checkpoint: {fit}")
        return fit.missing, fit.extra

    for name in ("set_state_dict", "set_dict", "load_dict"):
        setattr(recognizer, name, set_state_dict)


FIXES = (
    Fix(
        "checkpoint-of-another-model",
        "paddlevideo.modeling.framework.recognizers.recognizer_gcn",
        "tasks/test.py:75, tools/export_model.py:247",
        "a checkpoint of another model is skipped key by key, and a random model is tested or exported, rc 0",
        FALSIFIES,
        _takes_any_state,
        _check_state,
    ),
)
