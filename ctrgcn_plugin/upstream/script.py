"""Which of upstream's scripts is running: some of its faults lie in the script itself."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

ROLES = {"main.py": "train", "export_model.py": "export", "predict.py": "predict"}
# roles in which a checkpoint of the whole model has to be there
WITH_WEIGHTS = ("test", "export", "predict")


def main_module() -> ModuleType:
    """The module ``__main__``: the script, while one runs."""
    return sys.modules["__main__"]


def role() -> str:
    """What the process is for: ``train``, ``test``, ``export``, ``predict``; ``other`` under a script of the user's."""
    script = Path(getattr(main_module(), "__file__", None) or "").name
    found = ROLES.get(script, "other")
    return "test" if found == "train" and "--test" in sys.argv else found


def weights_given() -> bool:
    """Whether main.py's -w names a checkpoint, in any form argparse takes; it then replaces every `pretrained`."""
    return any(argument.startswith(("-w", "--w")) for argument in sys.argv[1:])
