"""Names that older PaddleVideo expects of Paddle and Python, and that today's no longer have."""

from __future__ import annotations

import inspect
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from ctrgcn_plugin.upstream.fixes.code import mentions
from ctrgcn_plugin.upstream.fixes.fix import STOPS, Fix
from ctrgcn_plugin.upstream.fixes.proxy import Proxy


def _lacks_fluid(module: ModuleType) -> bool:
    return _says(module, "heads/ops.py", "paddle.fluid") and find_spec("paddle.fluid") is None


def _says(module: ModuleType, path: str, word: str) -> bool:
    """Whether a file of the package, whose body has not run yet, holds a word."""
    file = Path(module.__path__[0], path)
    return file.is_file() and word in file.read_text(encoding="utf-8")


def _alias_fluid(_: ModuleType) -> None:
    import paddle
    import paddle.base.data_feeder
    import paddle.base.framework
    import paddle.base.layer_helper

    base = paddle.base
    dygraph = ModuleType("paddle.fluid.dygraph")
    dygraph.layers = ModuleType("paddle.fluid.dygraph.layers")  # type: ignore[attr-defined]
    aliases = {
        "paddle.fluid": base,
        "paddle.fluid.core": base.core,
        "paddle.fluid.framework": base.framework,
        "paddle.fluid.layer_helper": base.layer_helper,
        "paddle.fluid.data_feeder": base.data_feeder,
        "paddle.fluid.dygraph": dygraph,
        "paddle.fluid.dygraph.layers": dygraph.layers,
    }
    for name, module in aliases.items():
        sys.modules.setdefault(name, module)
    paddle.fluid = base


def _lacks_npu(module: ModuleType) -> bool:
    import paddle

    # the module's __getattr__ may raise on an unknown name
    return _says(module, "heads/base.py", "is_compiled_with_npu") and "is_compiled_with_npu" not in vars(paddle.device)


def _add_npu(_: ModuleType) -> None:
    import paddle

    paddle.device.is_compiled_with_npu = lambda: paddle.is_compiled_with_custom_device("npu")


def _cannot_inspect(module: ModuleType) -> bool:
    def annotated(value: int) -> int:
        return value

    if not mentions(module.build_optimizer, "getargspec"):
        return False
    try:
        module.inspect.getargspec(annotated)
    except (AttributeError, ValueError):
        return True
    return False


def _use_getfullargspec(module: ModuleType) -> None:
    module.inspect = Proxy(inspect, getargspec=inspect.getfullargspec)  # type: ignore[attr-defined]


FIXES = (
    Fix(
        "paddle-fluid",
        "paddlevideo.modeling",
        "ppvideo 2.3.1: modeling/backbones/resnext101.py:16, modeling/heads/ops.py:21",
        "No module named 'paddle.fluid'",
        STOPS,
        _lacks_fluid,
        _alias_fluid,
        early=True,
    ),
    Fix(
        "is-compiled-with-npu",
        "paddlevideo.modeling",
        "ppvideo 2.3.1: main.py:93, modeling/heads/base.py:137",
        "module 'paddle.device' has no attribute 'is_compiled_with_npu'",
        STOPS,
        _lacks_npu,
        _add_npu,
        early=True,
    ),
    Fix(
        "getargspec",
        "paddlevideo.solver.optimizer",
        "solver/optimizer.py:127",
        "module 'inspect' has no attribute 'getargspec' (Python 3.11); Function has keyword-only parameters or "
        "annotations (before it, with Paddle 3)",
        STOPS,
        _cannot_inspect,
        _use_getfullargspec,
    ),
)
