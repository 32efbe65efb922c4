"""Getting and finding a PaddleVideo: PyPI's, a git copy, what the environment names."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ctrgcn_plugin.errors import EnvironmentSetupError
from ctrgcn_plugin.upstream import fetch, locate


@pytest.fixture
def repository(tmp_path, ppvideo_root) -> Path:
    """A git repository of upstream's form, with a folder that nobody needs."""
    folder = tmp_path / "repository"
    (folder / "paddlevideo").mkdir(parents=True)
    (folder / "applications").mkdir()
    (folder / "main.py").write_text("print('main')\n")
    (folder / "paddlevideo" / "__init__.py").write_text((ppvideo_root / "paddlevideo/__init__.py").read_text())
    (folder / "applications" / "big.bin").write_bytes(b"0" * 1000)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "all"], ["tag", "v1"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def test_the_wheel_is_upstreams(ppvideo_root):
    assert locate.is_upstream(ppvideo_root)
    assert (ppvideo_root / "paddlevideo" / "modeling" / "backbones" / "ctrgcn.py").is_file()
    assert (ppvideo_root / "tools" / "utils.py").is_file() and not (ppvideo_root / "tools" / "export_model.py").exists()


def test_a_git_copy_at_a_ref(repository, tmp_path):
    found = fetch.get(str(repository), "v1", tmp_path / "cache")
    assert found.root == tmp_path / "cache" / "PaddleVideo-v1"
    assert found.main.is_file() and not (found.root / "applications").exists()
    # what is there is used as it is, with no further look at the source
    assert fetch.get("nowhere", "v1", tmp_path / "cache") == found


@pytest.mark.parametrize("source, ref", [("nowhere", "v1"), (None, "v2")], ids=["no source", "no ref"])
def test_what_cannot_be_got_leaves_nothing(source, ref, repository, tmp_path):
    with pytest.raises(EnvironmentSetupError) as caught:
        fetch.get(source or str(repository), ref, tmp_path / "cache")
    assert "\n" not in str(caught.value) and "git" in str(caught.value)
    assert not list((tmp_path / "cache").iterdir())


def test_a_repository_of_something_else_is_refused(repository, tmp_path):
    subprocess.run(["git", "rm", "-q", "main.py"], cwd=repository, check=True)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, "commit", "-qm", "no main"], cwd=repository, check=True)
    with pytest.raises(EnvironmentSetupError, match=r"no main\.py"):
        fetch.get(str(repository), "HEAD", tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_order_of_the_search(ppvideo_root, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(locate.ROOT_VARIABLE, str(ppvideo_root))
    monkeypatch.chdir(tmp_path)
    assert locate.find().root == ppvideo_root.resolve()
    monkeypatch.delenv(locate.ROOT_VARIABLE)
    monkeypatch.chdir(ppvideo_root)
    assert locate.find().root == ppvideo_root.resolve()
    cached = tmp_path / "ctrgcn-plugin" / "PaddleVideo-x"
    (cached / "paddlevideo").mkdir(parents=True)
    (cached / "main.py").touch()
    (cached / "paddlevideo" / "__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    assert locate.find().root == cached.resolve()


def test_a_wrong_root_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv(locate.ROOT_VARIABLE, str(tmp_path))
    with pytest.raises(EnvironmentSetupError, match=f"{locate.ROOT_VARIABLE} is .*no main.py"):
        locate.find()
    with pytest.raises(EnvironmentSetupError, match="no PaddleVideo at"):
        locate.find(tmp_path / "other")
