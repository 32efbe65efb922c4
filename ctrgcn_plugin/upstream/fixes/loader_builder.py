"""``paddlevideo.loader.builder``: what importing it does to the process, and loaders without a batch."""

from __future__ import annotations

import ast
import inspect
import signal
import textwrap
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ctrgcn_plugin import import_hooks
from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.upstream.fixes.code import wrapping
from ctrgcn_plugin.upstream.fixes.fix import ENDANGERS, MISLEADS, Fix


def _sets_handlers(module: ModuleType) -> bool:
    # the body has not run yet
    body = ast.parse(module.__spec__.loader.get_source(module.__name__)).body  # type: ignore[union-attr]
    return any(
        # in whatever thread, or to end its group whoever leads it
        (isinstance(node, ast.Expr) and "signal.signal(" in ast.unparse(node))
        or (isinstance(node, ast.FunctionDef) and _kills_group(node))
        for node in body
    )


def _kills_group(function: ast.FunctionDef) -> bool:
    return "killpg(" in ast.unparse(function) and not any(isinstance(node, ast.If) for node in ast.walk(function))


def _keep_handlers(module: ModuleType) -> None:
    """Have the module's body set no handler of its own; what others set meanwhile is set."""
    original = signal.signal

    def set_handler(number: Any, handler: Any) -> Any:
        if getattr(handler, "__module__", None) == module.__name__:
            return signal.getsignal(number)
        return original(number, handler)

    def give_back(_: ModuleType) -> None:
        if signal.signal is set_handler:
            signal.signal = original

    signal.signal = set_handler  # type: ignore[assignment]
    import_hooks.after(module.__name__, give_back)


def _trains_on_nothing(module: ModuleType) -> bool:
    tree = ast.parse(textwrap.dedent(inspect.getsource(module.train_model)))
    tests = [node.test for node in ast.walk(tree) if isinstance(node, (ast.If, ast.Assert))]
    asked = {node.id for test in tests for node in ast.walk(test) if isinstance(node, ast.Name)}
    return not asked & {"train_loader", "train_dataset"}


def _with_a_batch(original: Callable) -> Callable:
    def build_dataloader(dataset: Any, batch_size: Any, *args: Any, **kwargs: Any) -> Any:
        loader = original(dataset, batch_size, *args, **kwargs)
        # validation keeps its last batch, however small
        if kwargs.get("drop_last", True) and not len(loader):
            import paddle

            raise ConfigError(
                f"the training set has {len(dataset)} samples, which do not fill a batch of {batch_size} on each of "
                f"{paddle.distributed.get_world_size()} card(s); set DATASET.batch_size lower"
            )
        return loader

    return build_dataloader


FIXES = (
    Fix(
        "signal-handlers",
        "paddlevideo.loader.builder",
        "loader/builder.py:131",
        "signal only works in main thread of the main interpreter; SIGTERM kills the caller's whole process group",
        ENDANGERS,
        _sets_handlers,
        _keep_handlers,
        early=True,
    ),
    Fix(
        "train-without-batch",
        "paddlevideo.tasks.train",
        "tasks/train.py:286",
        "ZeroDivisionError: float division by zero, where the training set does not fill one batch",
        MISLEADS,
        _trains_on_nothing,
        wrapping("build_dataloader", _with_a_batch),
    ),
)
