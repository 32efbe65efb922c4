"""The real upstream for every test: PyPI's ppvideo always, a git checkout as well where there is one."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from ctrgcn_plugin.upstream import fetch, locate

# as many tests run at once as there are cores: one thread each, for them and the processes they start
os.environ.setdefault("OMP_NUM_THREADS", "1")
LONGEST_FILES = (
    "test_quickstart.py",
    "test_blocks_run.py",
    "test_evidence.py",
    "test_chain.py",
    "test_export.py",
    "test_run_fixes.py",
    "test_model_fixes.py",
    "test_processes.py",
    "test_static_training.py",
    "test_evidence_of_patches.py",
)


def _checkout() -> Path | None:
    """The git checkout that PADDLEVIDEO_ROOT names or that lies in the user's cache."""
    named = os.environ.get(locate.ROOT_VARIABLE)
    folders = [Path(named)] if named else sorted(locate.cache().glob(f"{locate.CHECKOUT}-*"))
    return next((folder for folder in folders if locate.is_upstream(folder)), None)


def pytest_report_header(config: pytest.Config) -> str:
    return f"PaddleVideo: ppvideo {locate.WHEEL_VERSION} from PyPI; git checkout: {_checkout() or 'none'}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # the longest files first, so that no core waits for one of them at the end
    items.sort(key=lambda item: LONGEST_FILES.index(item.path.name) if item.path.name in LONGEST_FILES else 99)


@pytest.fixture(scope="session")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a quickstart of one epoch leaves, with what it has printed in ``printed.txt``; not to be changed.

    The processes that run tests share it: whichever needs it first makes it.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "quickstart"
    with (shared / "quickstart.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "printed.txt").is_file():
            done = run_python(["-m", "ctrgcn_plugin", "quickstart", "--epochs", "1", "--dir", folder], shared, 1200)
            assert done.returncode == 0, done.stdout[-4000:]
            (folder / "printed.txt").write_text(done.stdout, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def ppvideo_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fetch.get_wheel(tmp_path_factory.mktemp("ppvideo")).root


@pytest.fixture(scope="session")
def checkout_root() -> Path:
    root = _checkout()
    if root is None:
        pytest.skip("no git checkout of PaddleVideo: `ctrgcn upstream get`, or name one in PADDLEVIDEO_ROOT")
    return root.resolve()


@pytest.fixture(scope="session", params=["ppvideo", "checkout"])
def upstream_root(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(f"{request.param}_root")


def run_python(
    arguments: Sequence[object], cwd: Path, timeout: float = 300, **environment: str
) -> subprocess.CompletedProcess[str]:
    """``python *arguments`` in `cwd`, standard error merged into standard output."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.fixture(scope="session")
def python():
    return run_python
