"""``ctrgcn doctor`` on stock, patched, unknown and broken PaddleVideos."""

from __future__ import annotations

import json

import pytest
from series import TABLE, link_tree

from ctrgcn_plugin.upstream import patches
from ctrgcn_plugin.upstream.fixes import FIXES


@pytest.fixture
def doctor(python, tmp_path):
    """(exit status, the report for programs) of a PaddleVideo."""

    def run(root, **environment: str) -> tuple[int, dict]:
        result = python(["-m", "ctrgcn_plugin", "doctor", "--json", root], tmp_path, **environment)
        assert "Traceback" not in result.stdout
        return result.returncode, json.loads(result.stdout)

    return run


def _outcomes(report: dict) -> dict[str, str]:
    return {fix["name"]: fix["outcome"] for fix in report["fixes"]}


def test_stock(upstream_root, doctor):
    status, report = doctor(upstream_root)
    assert status == 0 and report["problems"] == [] and report["patches"] == []
    assert set(report["versions"]) == {"ctrgcn-plugin", "Python", "NumPy", "Paddle", "PaddleVideo"}
    assert report["plugins"] == {"ctrgcn": "ctrgcn_plugin.plugin:register"}
    outcomes = _outcomes(report)
    assert list(outcomes) == [fix.name for fix in FIXES]
    for name in ("cpu-device-train", "onednn-matmul", "ctrgcn-initialisation", "metric-weights", "override-literals"):
        assert outcomes[name] == "applied"
    for fix in FIXES:
        has_file = not fix.in_script or (upstream_root / fix.module).is_file()
        assert outcomes[fix.name] in (("applied", "not needed") if has_file else ("unchecked",)), fix.name
    if (upstream_root / ".git").exists():
        assert report["commit"]


def test_patched(upstream_root, doctor, tmp_path):
    """What a patch has cured is reported as not there."""
    root = tmp_path / "patched"
    link_tree(upstream_root, root)
    fits = patches.apply(root).fits
    status, report = doctor(root)
    assert status == 0 and report["patches"] == [str(patch) for patch in fits]
    outcomes = _outcomes(report)
    cured = [fix for patch in fits for fix in TABLE[patch.name]]
    assert cured and {name: outcomes[name] for name in cured} == dict.fromkeys(cured, "not needed")
    if (upstream_root / ".git").exists():
        assert len(fits) == len(patches.series())


@pytest.mark.parametrize("off, remains", [("onednn-matmul", True), ("checkpoint-missing", False)])
def test_switched_off(off, remains, ppvideo_root, doctor):
    """A fault that falsifies or stops a run is a problem; an obscure message is none."""
    status, report = doctor(ppvideo_root, PADDLEVIDEO_PLUGIN_FIXES=off)
    assert _outcomes(report)[off] == "switched off"
    assert status == int(remains)
    assert [f"the fix {off} is switched off, and its fault is there" in problem for problem in report["problems"]] == [
        True
    ] * remains


def test_without_the_hook(ppvideo_root, doctor):
    status, report = doctor(ppvideo_root, PADDLEVIDEO_PLUGINS="0")
    assert status == 1 and "the start-up hook is not active" in report["problems"][0]


def test_an_upstream_that_is_not_recognised(ppvideo_root, doctor, tmp_path):
    """It is left alone, and the report says what could not be told, and why."""
    root = tmp_path / "changed"
    link_tree(ppvideo_root, root)
    module = root / "paddlevideo" / "modeling" / "backbones" / "ctrgcn.py"
    text = module.read_text()
    module.unlink()
    module.write_text(text.replace("einsum(", "aggregate_features("))
    status, report = doctor(root)
    (fix,) = (fix for fix in report["fixes"] if fix["name"] == "onednn-matmul")
    assert status == 0 and fix["outcome"] == "not recognised" and "has no attribute 'einsum'" in fix["reason"]


def test_something_that_upstream_needs_is_missing(ppvideo_root, doctor, tmp_path):
    (tmp_path / "cv2.py").write_text("raise ModuleNotFoundError(\"No module named 'cv2'\")\n")
    status, report = doctor(ppvideo_root, PYTHONPATH=str(tmp_path))
    assert status == 1
    assert any("No module named 'cv2'" in problem and "[upstream]" in problem for problem in report["problems"])


def test_for_people(ppvideo_root, python, tmp_path):
    result = python(["-m", "ctrgcn_plugin", "doctor", ppvideo_root], tmp_path)
    assert result.returncode == 0
    assert f"PaddleVideo at {ppvideo_root}" in result.stdout and "no problem found" in result.stdout
    (line,) = (line for line in result.stdout.splitlines() if " onednn-matmul " in line)
    assert line.startswith("applied") and "falsifies  modeling/backbones/ctrgcn.py:35" in line
    assert not list(tmp_path.iterdir()), "it leaves nothing behind"


def test_no_paddlevideo(python, tmp_path):
    result = python(["-m", "ctrgcn_plugin", "doctor", tmp_path], tmp_path)
    assert result.returncode == 1
    assert result.stdout.startswith("ctrgcn: error: no PaddleVideo at")
