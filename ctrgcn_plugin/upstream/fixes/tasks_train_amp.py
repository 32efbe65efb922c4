"""``paddlevideo.tasks.train``: mixed precision on a device for which Paddle has none."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.upstream.fixes.code import mentions, wrapping
from ctrgcn_plugin.upstream.fixes.fix import MISLEADS, Fix
from ctrgcn_plugin.upstream.log import logger


def _does_not_ask(module: ModuleType) -> bool:
    return not mentions(module.train_model, "get_device")


def _in_the_precision_there_is(original: Callable) -> Callable:
    signature = inspect.signature(original)

    def train_model(cfg: Any, *args: Any, **kwargs: Any) -> Any:
        given = signature.bind(cfg, *args, **kwargs)
        asked, level = given.arguments.get("use_amp"), given.arguments.get("amp_level")
        if level and not asked:
            raise ConfigError(f"--amp_level {level} is of no use without --amp; give both, or none to train in fp32")
        import paddle

        elsewhere = cfg.get("use_npu") or cfg.get("use_xpu")
        if asked and not elsewhere and paddle.get_device() == "cpu":
            # Paddle itself warns, and upstream says that it trains in amp mode
            logger().warning(
                "--amp has no effect on the CPU: Paddle's amp_guard can only be enabled on a GPU, or a device like it; "
                "this training is in fp32"
            )
            given.arguments.update(use_amp=False, amp_level=None)
        return original(*given.args, **given.kwargs)

    return train_model


FIXES = (
    Fix(
        "amp-without-effect",
        "paddlevideo.tasks.train",
        "tasks/train.py:140",
        "--amp on a CPU: `Training in amp mode`, and it is in fp32; --amp_level without --amp: an AssertionError",
        MISLEADS,
        _does_not_ask,
        wrapping("train_model", _in_the_precision_there_is),
    ),
)
