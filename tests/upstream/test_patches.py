"""The patches apply to the real upstream, and where they are applied the run-time fixes find nothing to do."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from ctrgcn_plugin import resources

PATCHES = sorted(resources.folder("patches").glob("*.patch"))
# which fixes find nothing to do once a patch is applied; the scripts' own are not seen from outside of them
CURED = {
    "0001": ("cpu-device-train", "cpu-device-test", "cpu-device-train-multigrid"),
    "0002": ("random-crop-scalar",),
    "0003": ("empty-clip",),
    "0004": ("adjust-decay-by-epoch",),
    "0005": ("cosine-decay-by-epoch",),
    "0010": ("onednn-matmul",),
    "0012": ("non-adaptive-on-cpu",),
    "0014": ("top5-of-few-in-head", "top5-of-few-in-metric"),
}


def _git(folder, *arguments: object) -> subprocess.CompletedProcess[str]:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    command = ["git", *identity, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def repository(upstream_root, tmp_path_factory):
    """(a git repository of upstream's code with the patches that fit applied by ``git am``, their numbers)."""
    root = tmp_path_factory.mktemp("patched") / "PaddleVideo"
    root.mkdir()
    for name in ("paddlevideo", "tools"):
        shutil.copytree(upstream_root / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "stock"]):
        assert _git(root, *command).returncode == 0
    applied = []
    for patch in PATCHES:
        if _git(root, "apply", "--check", patch).returncode == 0:
            done = _git(root, "am", "-q", patch)
            assert done.returncode == 0, done.stderr
            applied.append(patch.name[:4])
    return root, applied


def test_the_series_is_whole():
    assert [patch.name[:4] for patch in PATCHES] == [f"{number:04}" for number in range(1, len(PATCHES) + 1)]
    table = (PATCHES[0].parent / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| (\d{4}) ", table, flags=re.M) == [patch.name[:4] for patch in PATCHES]
    for patch in PATCHES:
        subject, _, body = patch.read_text(encoding="utf-8").split("Subject: [PATCH")[1].partition("\n\n")
        assert subject and body.partition("\n---\n")[0].strip(), f"{patch.name} explains nothing"


def test_all_apply_to_the_commit_that_they_are_made_for(repository, upstream_root):
    _, applied = repository
    if (upstream_root / ".git").exists():
        assert applied == [patch.name[:4] for patch in PATCHES]
    else:
        # PyPI's is older: it has no tools/export_model.py, and its tasks/test.py sets the device elsewhere
        assert set(applied) >= {"0002", "0003", "0004", "0005", "0010", "0012", "0014"}


def test_on_a_patched_upstream_the_fixes_are_not_needed(repository, python, tmp_path):
    root, applied = repository
    code = f"""
import json, sys
sys.path.insert(0, {str(root)!r})
import paddlevideo.tasks
from ctrgcn_plugin.upstream.fixes.fix import outcomes
print("ANSWER" + json.dumps({{name: str(outcome) for name, outcome in outcomes.items()}}))
"""
    result = python(["-c", code], tmp_path)
    outcomes = json.loads(result.stdout.split("ANSWER")[-1])
    cured = [name for number in applied for name in CURED.get(number, ())]
    assert {name: outcomes[name] for name in cured} == dict.fromkeys(cured, "not needed")
