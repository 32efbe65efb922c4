"""An estimator in a process of its own: its library may need another Python, or versions that fit nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ctrgcn_plugin.errors import ClipError, EnvironmentSetupError, UserError, one_line

SHOWN = 300  # characters of what a process said at its end
# what a script says in place of a result, and what that is here
REFUSALS: dict[str, type[UserError]] = {"missing": EnvironmentSetupError, "unreadable": ClipError}


def results(script: Path, arguments: Sequence[str], *, python: str = "", install: str) -> Iterator[dict[str, Any]]:
    """What a script of this package writes: a JSON object a line.

    A script imports nothing of this package, which need not be installed where it runs. In place of a result it may
    write a refusal, an object with a key of :data:`REFUSALS`.

    Args:
        python: the interpreter; by default this one.
        install: what to do where its library is missing.

    Raises:
        EnvironmentSetupError: the interpreter or a library is missing, or the process died.
        ClipError: it cannot read what it was given.
    """
    command = [python or sys.executable, str(script), *arguments]
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said)
        except OSError as error:
            raise EnvironmentSetupError(f"{command[0]} cannot be started ({one_line(error)}); {install}") from error
        assert process.stdout is not None
        try:
            empty = True
            for line in process.stdout:
                empty = False
                yield _result(line, install)
            status = process.wait()
        finally:
            # where nobody wants the rest
            process.kill()
            process.wait()
            process.stdout.close()
        if status or empty:
            said.seek(0)
            last = one_line(said.read().decode("utf-8", "replace"))[-SHOWN:]
            raise EnvironmentSetupError(
                f"{script.stem} ended with status {status} in {command[0]}: {last or 'nothing said'}"
            )


def _result(line: bytes, install: str) -> dict[str, Any]:
    try:
        result = json.loads(line)
    except ValueError:
        result = None
    if not isinstance(result, dict):
        raise EnvironmentSetupError(f"a pose estimator wrote no JSON: {line[:SHOWN]!r}")
    for key, kind in REFUSALS.items():
        if key in result:
            advice = f"; {install}" if kind is EnvironmentSetupError else ""
            raise kind(f"{one_line(result[key])}{advice}")
    return result
