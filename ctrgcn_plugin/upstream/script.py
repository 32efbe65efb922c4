"""Which of upstream's scripts is running: some of its faults lie in the script itself."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

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
