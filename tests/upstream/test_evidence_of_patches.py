"""Every fault by its evidence: gone with its patch alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from series import CANNOT, FINE, TABLE, link_tree, without_fixes

from ctrgcn_plugin.upstream import patches


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


@pytest.mark.parametrize("name", TABLE)
def test_fault_is_gone_with_the_patch_alone(name, patched, evidence):
    status, verdict = evidence(name, patched(name), off=without_fixes(name))
    if status == CANNOT:
        pytest.skip(verdict)
    assert status == FINE, verdict
