"""Every fault by its evidence: there without the plugin, gone with the run-time fix, gone with the patch alone.

The faults, their evidence and their fixes are read from the table in patches/README.md.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from series import FOLDER, ROWS, TABLE, link_tree

from ctrgcn_plugin.upstream import patches
from ctrgcn_plugin.upstream.fixes import FIXES

FAULTS = list(TABLE)
# without these, PyPI's PaddleVideo cannot be imported by the Paddle of today
FOR_IMPORT = {"paddle-fluid", "is-compiled-with-npu", "getargspec"}
FAULT, FINE, CANNOT = 1, 0, 77


@pytest.fixture(scope="module")
def evidence(python):
    """Run one piece of evidence in a PaddleVideo: (exit status, its verdict)."""

    def run(name: str, root: Path, off: str = "") -> tuple[int, str]:
        result = python([FOLDER / "evidence" / f"{name}.py"], root, PADDLEVIDEO_PLUGIN_FIXES=off)
        verdicts = [line for line in result.stdout.splitlines() if line.startswith(("FAULT: ", "fine: ", "cannot be"))]
        assert verdicts, f"{name} came to no verdict:\n{result.stdout[-3000:]}"
        return result.returncode, verdicts[-1]

    return run


def _without_fixes(name: str) -> str:
    kept = FOR_IMPORT - set(TABLE[name])
    return ",".join(fix.name for fix in FIXES if fix.name not in kept)


def test_the_table_is_whole():
    assert [patch.name for patch in patches.series()] == FAULTS
    assert {path.stem for path in (FOLDER / "evidence").glob("*.py")} - {"evidence", "run_all"} == set(FAULTS)
    assert {fix for fixes in TABLE.values() for fix in fixes} <= {fix.name for fix in FIXES}
    for row in ROWS:
        (patch,) = patches.chosen([row.name])
        assert row.number == patch.number
        assert row.files == [Path(path).name for path in patch.touches]


@pytest.mark.parametrize("name", FAULTS)
def test_fault_without_and_with_the_fix(name, upstream_root, evidence):
    status, verdict = evidence(name, upstream_root, off=_without_fixes(name))
    if status == CANNOT:
        pytest.skip(verdict)
    assert status == FAULT, verdict
    if TABLE[name]:
        status, verdict = evidence(name, upstream_root)
        assert status == FINE, verdict


@pytest.fixture
def patched(upstream_root, tmp_path):
    """A copy of upstream with just the named patch."""

    def patch(name: str) -> Path:
        root = tmp_path / "patched"
        link_tree(upstream_root, root)
        chosen = patches.chosen([name])
        outcome = patches.plan(root, chosen)
        if outcome.others and not (upstream_root / ".git").exists():
            pytest.skip(f"made for the git checkout: {next(iter(outcome.others.values()))}")
        patches.apply(root, [name])
        return root

    return patch


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_gone_with_the_patch_alone(name, patched, evidence):
    status, verdict = evidence(name, patched(name), off=_without_fixes(name))
    if status == CANNOT:
        pytest.skip(verdict)
    assert status == FINE, verdict
