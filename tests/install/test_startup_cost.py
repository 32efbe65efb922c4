"""What the start-up hook costs an interpreter that has nothing to do with PaddleVideo."""

from __future__ import annotations

import importlib.util
from pathlib import Path

STARTUP = Path(__file__).resolve().parents[2] / "benchmarks" / "startup.py"
# four times the budget: a machine that runs other things, too, has cold caches
MARGIN_MS = 2.0
MODULES = "import sys; print(*sys.modules, sep='\\n')"


def test_bare_start_imports_nothing(installed, new_environment):
    hooked = set(installed.run(MODULES).lines)
    bare = set(new_environment().run(MODULES).lines)
    assert hooked - bare == set()
    assert bare <= hooked


def test_bare_start_stays_cheap(wheel, tmp_path, capsys):
    spec = importlib.util.spec_from_file_location("startup_benchmark", STARTUP)
    startup = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(startup)
    result = startup.measure(wheel, tmp_path, pairs=40)
    with capsys.disabled():
        print(f"\n{startup.describe(result)}")
    # processor time, as the wall clock is at the mercy of whatever else is running
    assert result["hook"]["cpu_ms"]["median"] < MARGIN_MS
