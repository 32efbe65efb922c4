"""``RecognizerGCN``: a checkpoint of another model is tested and exported without a word."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from ctrgcn_plugin import checkpoint
from ctrgcn_plugin.upstream import script
from ctrgcn_plugin.upstream.fixes.fix import Fix
from ctrgcn_plugin.upstream.log import logger


def _checked_state(module: ModuleType) -> bool:
    recognizer = module.RecognizerGCN
    if "set_state_dict" in vars(recognizer):
        return False
    from ctrgcn_plugin.models.network import STUDENT

    def set_state_dict(self: Any, state_dict: Mapping[str, Any], use_structured_name: bool = True) -> Any:
        # in training a checkpoint may be a start for another number of classes
        strict = script.role() in script.WITH_WEIGHTS
        fit = checkpoint.load_into(self, checkpoint.of_network(state_dict, STUDENT), "the checkpoint", strict)
        logger().info(f"checkpoint: {fit}")
        return fit.missing, fit.extra

    for name in ("set_state_dict", "set_dict", "load_dict"):
        setattr(recognizer, name, set_state_dict)
    return True


FIXES = (
    Fix(
        "checkpoint-of-another-model",
        "paddlevideo.modeling.framework.recognizers.recognizer_gcn",
        "tasks/test.py:75, tools/export_model.py:247",
        "a checkpoint of another model is skipped key by key, and a random model is tested or exported, rc 0",
        _checked_state,
    ),
)
