"""Runs upstream's scripts, in this process or as processes of their own, and reads what they log."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from tqdm import tqdm

from ctrgcn_plugin.errors import EnvironmentSetupError, UserError

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_STEP = re.compile(r"epoch:\[\s*(\d+)/\d+\s*\]\s+(train|val) step:\d+\s+(.*?)\s+batch_cost")
_TESTED = re.compile(r"avg_acc1=\s*([0-9.eE+-]+),\s*avg_acc5=\s*([0-9.eE+-]+)")


def stream(command: Sequence[str], folder: Path, log_file: Path, bar: Optional[tqdm] = None) -> str:
    """Run a command in `folder`; its whole output, which also goes line by line into `log_file`.

    Args:
        bar: advanced by every training and validation step that upstream logs.

    Raises:
        EnvironmentSetupError: it did not end with exit status 0; the message has its last line.
    """
    lines = []
    with (
        log_file.open("w", encoding="utf-8") as log,
        subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as process,
    ):
        assert process.stdout is not None
        for raw in process.stdout:
            line = _COLOUR.sub("", raw)
            lines.append(line)
            log.write(line)
            step = _STEP.search(line) if bar is not None else None
            if bar is not None and step:
                bar.set_description(f"epoch {step[1]} {step[2]}", refresh=False)
                bar.set_postfix_str(step[3], refresh=False)
                bar.update()
    if process.returncode:
        last = next((line.strip() for line in reversed(lines) if line.strip()), "no output")
        status = f"{Path(command[1]).name} ended with exit status {process.returncode}"
        raise EnvironmentSetupError(f"{status}: {last} (all of it: {log_file})")
    return "".join(lines)


def test_accuracy(output: str) -> tuple[float, float]:
    """(top-1, top-5) of 1 from what ``main.py --test`` has logged."""
    found = _TESTED.search(output)
    if found is None:
        raise UserError("the test's log has no line with avg_acc1, avg_acc5")
    return float(found[1]), float(found[2])


def hook_runs_at_start() -> bool:
    """Whether a new interpreter will have the plugins' finder: whether this one was started with it."""
    # the start-up file's finder is a function that is its own find_spec
    started = any(getattr(finder, "find_spec", None) is finder for finder in sys.meta_path)
    return started or "ctrgcn_plugin.autoload" in sys.modules


def run_here(path: Path, arguments: Sequence[str]) -> None:
    """Run a script as ``python path arguments`` does, with the plugins loaded."""
    if not path.is_file():
        raise EnvironmentSetupError(f"no script at {path}; give PaddleVideo's main.py or one of its tools")
    import ctrgcn_plugin.autoload  # noqa: F401, installs the hook where the interpreter's start has not

    sys.argv[:] = [str(path), *arguments]
    sys.path[0:0] = [str(path.resolve().parent)]
    runpy.run_path(str(path), run_name="__main__")
