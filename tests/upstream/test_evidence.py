"""Every fault by its evidence: there without the plugin, gone with the run-time fix.

The faults, their evidence and their fixes are read from the table in patches/README.md.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from series import CANNOT, FAULT, FINE, FOLDER, ROWS, TABLE, without_fixes

from ctrgcn_plugin.upstream import patches
from ctrgcn_plugin.upstream.fixes import FIXES

# what the evidence imports, and what runs it
SHARED = {"evidence", "ntu", "run_all"}


def test_the_table_is_whole():
    assert [patch.name for patch in patches.series()] == list(TABLE)
    assert {path.stem for path in (FOLDER / "evidence").glob("*.py")} - SHARED == set(TABLE)
    assert {fix for fixes in TABLE.values() for fix in fixes} <= {fix.name for fix in FIXES}
    for row in ROWS:
        (patch,) = patches.chosen([row.name])
        assert row.number == patch.number
        assert row.files == [Path(path).name for path in patch.touches]


# the first release with which a fault shows
SHOWN_FROM = {"random-crop-scalar": ("numpy", (2, 4)), "getargspec": ("paddle", (3, 0))}


def _skip_before(name: str) -> None:
    package, first = SHOWN_FROM.get(name, ("numpy", (0,)))
    version = import_module(package).__version__
    if tuple(map(int, version.split(".")[:2])) < first:
        pytest.skip(f"{package} {version} does not show it")


@pytest.mark.parametrize("name", TABLE)
def test_fault_without_and_with_the_fix(name, upstream_root, evidence):
    _skip_before(name)
    status, verdict = evidence(name, upstream_root, off=without_fixes(name))
    if status == CANNOT:
        pytest.skip(verdict)
    assert status == FAULT, verdict
    if TABLE[name]:
        status, verdict = evidence(name, upstream_root)
        assert status == FINE, verdict
