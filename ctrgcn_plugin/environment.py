"""What the machine must have before a command can start."""

from __future__ import annotations

import importlib
from types import ModuleType

from ctrgcn_plugin.errors import EnvironmentSetupError

OLDEST_PADDLE = (2, 6, 2)


def require_paddle() -> str:
    """The version of the installed Paddle, if it is one that works here."""
    try:
        import zlib  # noqa: F401, before paddle: libpaddle 2.6 exports symbols of its own

        import paddle
    except ImportError as error:
        raise EnvironmentSetupError(
            f"PaddlePaddle cannot be imported ({error}); install one: "
            'pip install "ctrgcn-plugin[cpu]" for a CPU, "ctrgcn-plugin[gpu]" for a GPU'
        ) from error
    version = getattr(paddle, "__version__", None)
    if version is None:
        # paddlepaddle and paddlepaddle-gpu share their files, and one of them was uninstalled
        raise EnvironmentSetupError(
            "PaddlePaddle is not whole: a part of its folder is left where one of two packages was uninstalled; "
            "uninstall paddlepaddle and paddlepaddle-gpu, then install one of them"
        )
    numbers = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
    # 0.0.0 is a development build
    if any(numbers) and numbers < OLDEST_PADDLE:
        oldest = ".".join(map(str, OLDEST_PADDLE))
        raise EnvironmentSetupError(
            f"PaddlePaddle {version} is too old, {oldest} is needed: pip install -U paddlepaddle"
        )
    return version


def require_library(module: str, extra: str, purpose: str) -> ModuleType:
    """An optional library, imported.

    Args:
        module: its import name, which is also what PyPI calls its distribution.
        extra: of this package, that brings it.
        purpose: what needs it, as in "reading .mat files".
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise EnvironmentSetupError(
            f'{purpose} needs {module.partition(".")[0]} ({error}); pip install "ctrgcn-plugin[{extra}]"'
        ) from error
