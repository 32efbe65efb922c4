"""Which of upstream's scripts is running: some of its faults lie in the script itself."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from ctrgcn_plugin.errors import EnvironmentSetupError

TOOLS = {"export_model.py": "export", "predict.py": "predict"}


def main_module() -> ModuleType:
    """The module ``__main__``: the script, while one runs."""
    return sys.modules["__main__"]


def role() -> str:
    """What the process is for: ``export``, ``predict``, ``test`` or ``train``."""
    script = Path(getattr(main_module(), "__file__", None) or "").name
    return TOOLS.get(script) or ("test" if "--test" in sys.argv else "train")


def weights_given() -> bool:
    """Whether the command line names a checkpoint, which then replaces every `pretrained`."""
    flags = ("-w", "--weights", "-p", "--pretrained_params")
    return any(argument.partition("=")[0] in flags for argument in sys.argv[1:])


def run(path: Path, arguments: Sequence[str]) -> None:
    """Run a script as ``python path arguments`` does, with the plugins loaded."""
    if not path.is_file():
        raise EnvironmentSetupError(f"no script at {path}; give PaddleVideo's main.py or one of its tools")
    import ctrgcn_plugin.autoload  # noqa: F401, installs the hook where the interpreter's start has not

    sys.argv[:] = [str(path), *arguments]
    sys.path[0:0] = [str(path.resolve().parent)]
    runpy.run_path(str(path), run_name="__main__")
