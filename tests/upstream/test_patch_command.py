"""``ctrgcn patch``: the series put into a PaddleVideo and taken out again, and what it refuses."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ctrgcn_plugin.upstream import patches


@pytest.fixture
def plain(ppvideo_root, tmp_path) -> Path:
    """PyPI's PaddleVideo, in no repository."""
    root = tmp_path / "ppvideo"
    shutil.copytree(ppvideo_root, root, ignore=shutil.ignore_patterns("__pycache__"))
    return root


@pytest.fixture
def repository(plain, git) -> Path:
    """The same, committed."""
    for command in (["init", "-q"], ["add", "-A", "-f"], ["commit", "-qm", "stock"]):
        git(plain, *command)
    return plain


@pytest.fixture
def ctrgcn(python, tmp_path):
    """(exit status, output) of a command line."""

    def run(*arguments: object) -> tuple[int, str]:
        result = python(["-m", "ctrgcn_plugin", *arguments], tmp_path)
        assert "Traceback" not in result.stdout
        return result.returncode, result.stdout

    return run


def _content(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {str(path.relative_to(root)): path.read_bytes() for path in files if path.suffix != ".pyc"}


def test_applied_where_they_fit_and_taken_back(plain, ctrgcn):
    before = _content(plain)
    status, printed = ctrgcn("patch", plain)
    assert status == 0
    applied = [line.split()[1] for line in printed.splitlines() if line.startswith("applied")]
    others = [line for line in printed.splitlines() if line.startswith("does not fit")]
    assert len(applied) + len(others) == len(patches.series())
    assert {"random-crop-scalar", "onednn-matmul", "initialisation"} <= {name.partition("-")[2] for name in applied}
    assert any("export-input-spec: there is no tools/export_model.py" in line for line in others)
    assert [str(patch) for patch in patches.in_place(plain)] == applied

    status, printed = ctrgcn("patch", plain)
    assert status == 1 and f"already has {applied[0]}" in printed and "ctrgcn patch --undo" in printed

    status, printed = ctrgcn("patch", "--undo", plain)
    assert status == 0 and len(printed.splitlines()) == len(applied)
    assert _content(plain) == before and not patches.in_place(plain)


def test_by_name(plain, ctrgcn):
    before = _content(plain)
    status, printed = ctrgcn("patch", plain, "empty-clip", patches.chosen(["onednn-matmul"])[0].number)
    assert status == 0 and len(printed.splitlines()) == 2
    assert [patch.name for patch in patches.in_place(plain)] == sorted(
        ["empty-clip", "onednn-matmul"], key=[patch.name for patch in patches.series()].index
    )
    changed = {path for path, content in _content(plain).items() if before.get(path) != content}
    assert changed == {
        "paddlevideo/loader/pipelines/skeleton_pipeline.py",
        "paddlevideo/modeling/backbones/ctrgcn.py",
    }
    _, listed = ctrgcn("patch", "--list", plain, "empty-clip", "cpu-device", "random-crop-scalar")
    states = {line.split("-", 1)[1].split()[0]: line for line in listed.splitlines()}
    assert states["empty-clip"].startswith("in place") and states["random-crop-scalar"].startswith("fits")
    assert ctrgcn("patch", "--undo", plain, "empty-clip")[0] == 0
    assert [patch.name for patch in patches.in_place(plain)] == ["onednn-matmul"]


@pytest.mark.parametrize(
    "names, message",
    [
        (["no-such"], "unknown patch 'no-such'; available: "),
        (["empty-clip", "export-input-spec"], "export-input-spec does not fit"),
    ],
)
def test_a_name_that_cannot_be_applied_changes_nothing(names, message, plain, ctrgcn):
    before = _content(plain)
    status, printed = ctrgcn("patch", plain, *names)
    assert status == 1 and message in printed and len(printed.splitlines()) == 1
    assert _content(plain) == before


def test_a_tree_with_changes_is_refused(repository, ctrgcn):
    (repository / "main.py").write_text("# mine\n")
    status, printed = ctrgcn("patch", repository)
    assert status == 1 and "has changes that are not committed (main.py)" in printed
    assert (repository / "main.py").read_text() == "# mine\n" and not patches.in_place(repository)


def test_patches_are_known_again_after_git_am(repository, git):
    """And those that ``git am`` committed can be taken out of the files."""
    first = patches.plan(repository, patches.series()).fits[:3]
    git(repository, "am", "-q", *[patch.file for patch in first])
    assert patches.in_place(repository) == first and patches.changes(repository) == []
    assert patches.take_back(repository) == first and not patches.in_place(repository)


def test_a_paddlevideo_inside_another_repository(plain, tmp_path, git, ctrgcn):
    """git alone would take its files for the outer repository's, and skip them without a word."""
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text("ppvideo\n")
    assert ctrgcn("patch", plain, "empty-clip")[0] == 0
    assert [patch.name for patch in patches.in_place(plain)] == ["empty-clip"]


def test_no_paddlevideo(tmp_path, ctrgcn):
    status, printed = ctrgcn("patch", tmp_path)
    assert status == 1 and f"no PaddleVideo at {tmp_path}" in printed
