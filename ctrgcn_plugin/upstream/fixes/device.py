"""``paddlevideo.tasks``: training and testing demand a GPU."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

from ctrgcn_plugin.upstream.fixes.code import mentions
from ctrgcn_plugin.upstream.fixes.fix import STOPS, Fix
from ctrgcn_plugin.upstream.fixes.proxy import Proxy
from ctrgcn_plugin.upstream.log import logger


def _has_gpu(paddle: Any) -> bool:
    return paddle.is_compiled_with_cuda() and paddle.device.cuda.device_count() > 0


def _demands_gpu(module: ModuleType) -> bool:
    own = [
        function
        for function in vars(module).values()
        if inspect.isroutine(function) and function.__module__ == module.__name__
    ]
    # a task that asks what Paddle was compiled with chooses for itself
    chooses = any(mentions(function, "is_compiled_with_cuda") for function in own)
    return not _has_gpu(module.paddle) and not chooses and any(mentions(function, "set_device") for function in own)


def _take_cpu(module: ModuleType) -> None:
    paddle = module.paddle

    def set_device(device: str) -> Any:
        if device == "gpu" and not _has_gpu(paddle):
            logger().info("no GPU that Paddle can use: running on the CPU")
            device = "cpu"
        return paddle.set_device(device)

    module.paddle = Proxy(paddle, set_device=set_device)  # type: ignore[attr-defined]


FIXES = tuple(
    Fix(
        f"cpu-device-{task.replace('_', '-')}",
        f"paddlevideo.tasks.{task}",
        f"tasks/{task}.py:{line}",
        "The device should not be 'gpu', since PaddlePaddle is not compiled with CUDA",
        STOPS,
        _demands_gpu,
        _take_cpu,
    )
    for task, line in (("train", 92), ("test", 41), ("train_multigrid", 157))
)
