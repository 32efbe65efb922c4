"""An estimator's process: its lines come one by one, and however it ends, a user reads one line about it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from ctrgcn_plugin.errors import ClipError, EnvironmentSetupError
from ctrgcn_plugin.pose import process

INSTALL = "pip install a-pose-library"


def run(folder: Path, code: str, *arguments: str, python: str = "") -> list[dict]:
    script = folder / "script.py"
    script.write_text("import json, os, sys, time\n" + code)
    return list(process.results(script, arguments, python=python, install=INSTALL))


def test_lines(tmp_path: Path) -> None:
    code = "print(json.dumps({'arguments': sys.argv[1:], 'python': sys.executable})); print('{}')"
    first, second = run(tmp_path, code, "a b", "--c")
    assert first == {"arguments": ["a b", "--c"], "python": sys.executable}
    assert second == {}


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ('print(\'{"missing": "no poses here"}\')', EnvironmentSetupError, f"^no poses here; {INSTALL}$"),
        ('print(\'{"unreadable": "no video\\\\nat all"}\')', ClipError, "^no video at all$"),
        ("print('hello')", EnvironmentSetupError, "wrote no JSON: b'hello"),
        ("print('3')", EnvironmentSetupError, "wrote no JSON: b'3"),
        ("print('{}'); print('x' * 9, file=sys.stderr); sys.exit(3)", EnvironmentSetupError, "status 3 .*: xxxxxxxxx$"),
        ("raise ValueError('what\\nnow')", EnvironmentSetupError, "status 1 .*ValueError: what now$"),
        ("pass", EnvironmentSetupError, "status 0 .*: nothing said$"),
        ("os.kill(os.getpid(), 9)", EnvironmentSetupError, "status -9"),
    ],
)
def test_ends(tmp_path: Path, code: str, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message) as error:
        run(tmp_path, code)
    assert "\n" not in str(error.value)


def test_no_such_python(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentSetupError, match=f"{tmp_path}/python cannot be started .*; {INSTALL}"):
        run(tmp_path, "", python=str(tmp_path / "python"))


def test_whoever_stops_reading_ends_it(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import os, time\nprint('{\"pid\": %d}' % os.getpid(), flush=True)\ntime.sleep(60)\n")
    results = process.results(script, [], install=INSTALL)
    pid = next(results)["pid"]
    begin = time.monotonic()
    results.close()
    assert time.monotonic() - begin < 10
    assert not Path(f"/proc/{pid}").exists()
