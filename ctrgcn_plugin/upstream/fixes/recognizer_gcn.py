"""``RecognizerGCN`` and ``RecognizerDistillation``: a checkpoint of another model is taken without a word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any

from ctrgcn_plugin import checkpoint
from ctrgcn_plugin.upstream.fixes.fix import FALSIFIES, Fix
from ctrgcn_plugin.upstream.log import logger

# what a PaddleVideo that holds checkpoints against its models has a function of this name for
CHECK = "check_state_dict"
SETTERS = ("set_state_dict", "set_dict", "load_dict")


def load(model: Any, state: Mapping[str, Any], use_structured_name: bool = True, strict: bool = False) -> Any:
    """In the place of ``Layer.set_state_dict``: refuses what does not fit, and logs how it fits.

    Args:
        strict: refuse what leaves anything of the model at random, else only what does not fit at all.
    """
    from ctrgcn_plugin.models.network import STUDENT

    if hasattr(model, "backbone"):
        state = checkpoint.of_network(state, STUDENT)
    if strict:
        # but for buffers: they are constants, which a model makes itself
        made = {id(buffer) for buffer in model.buffers()}
        state = {**{key: value for key, value in model.state_dict().items() if id(value) in made}, **state}
    fit = checkpoint.load_into(model, state, "the checkpoint", strict)
    logger().info(f"checkpoint: {fit}")
    return fit.missing, fit.extra


def taking_whole_checkpoints(build_model: Callable) -> Callable:
    """For a script or task that tests or exports what it builds: `build_model`, whose models load strictly."""

    def build(cfg: Any) -> Any:
        from paddlevideo.modeling.framework.recognizers import RecognizerDistillation, RecognizerGCN

        model = build_model(cfg)
        if isinstance(model, (RecognizerGCN, RecognizerDistillation)):
            for name in SETTERS:
                setattr(model, name, partial(load, model, strict=True))
        return model

    return build


def _takes_any_state(module: ModuleType) -> bool:
    return "set_state_dict" not in vars(module.RecognizerGCN)


def _take_what_fits(module: ModuleType) -> None:
    def set_state_dict(self: Any, state_dict: Mapping[str, Any], use_structured_name: bool = True) -> Any:
        return load(self, state_dict)

    for name in SETTERS:
        setattr(module.RecognizerGCN, name, set_state_dict)


FIXES = (
    Fix(
        "finetune-from-another-model",
        "paddlevideo.modeling.framework.recognizers.recognizer_gcn",
        "tasks/train.py:172",
        "-w with a checkpoint of another model: every key is skipped, and training starts at random",
        FALSIFIES,
        _takes_any_state,
        _take_what_fits,
    ),
)
