"""``paddlevideo.tasks``: training and testing demand a GPU."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from ctrgcn_plugin.upstream.fixes.fix import Fix
from ctrgcn_plugin.upstream.log import logger


class _CPUWithoutGPU(ModuleType):
    """Paddle as a task sees it: ``set_device('gpu')`` takes the CPU where there is no GPU."""

    def __init__(self, paddle: ModuleType) -> None:
        super().__init__(paddle.__name__)
        self._paddle = paddle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._paddle, name)

    def set_device(self, device: str) -> Any:
        if device == "gpu" and not _has_gpu(self._paddle):
            logger().info("no GPU that Paddle can use: running on the CPU")
            device = "cpu"
        return self._paddle.set_device(device)


def _has_gpu(paddle: Any) -> bool:
    return paddle.is_compiled_with_cuda() and paddle.device.cuda.device_count() > 0


def _cpu_without_gpu(module: ModuleType) -> bool:
    names = _names_of(module)
    # a task that asks what Paddle was compiled with chooses for itself
    if _has_gpu(module.paddle) or "set_device" not in names or "is_compiled_with_cuda" in names:
        return False
    module.paddle = _CPUWithoutGPU(module.paddle)  # type: ignore[attr-defined]
    return True


def _names_of(module: ModuleType) -> set[str]:
    names: set[str] = set()
    for function in vars(module).values():
        function = getattr(function, "__wrapped__", function)
        if getattr(function, "__module__", None) == module.__name__ and hasattr(function, "__code__"):
            names.update(function.__code__.co_names)
    return names


FIXES = tuple(
    Fix(
        f"cpu-device-{task.replace('_', '-')}",
        f"paddlevideo.tasks.{task}",
        f"tasks/{task}.py:{line}",
        "The device should not be 'gpu', since PaddlePaddle is not compiled with CUDA",
        _cpu_without_gpu,
    )
    for task, line in (("train", 92), ("test", 41), ("train_multigrid", 157))
)
