"""Gets a stock PaddleVideo: a git checkout, or PyPI's distribution unpacked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Optional

from ctrgcn_plugin.errors import EnvironmentSetupError
from ctrgcn_plugin.upstream.locate import CHECKOUT, WHEEL, WHEEL_VERSION, Upstream, cache, is_upstream

ADDRESS = "https://github.com/PaddlePaddle/PaddleVideo.git"
REF = "ed245e9"
# applications and pictures are most of the repository, and nothing on the skeleton path reads them
LEFT_OUT = ("/applications/", "/docs/images/")
REACHABLE_TIMEOUT = 30


def get(source: Optional[str] = None, ref: str = REF, folder: Optional[Path] = None) -> Upstream:
    """PaddleVideo at `ref` from a git URL or folder; by default from upstream, else PyPI's wheel.

    Args:
        folder: where to put it; the user's cache by default. What is already there is used as it is.
    """
    folder = cache() if folder is None else Path(folder)
    target = folder / f"{CHECKOUT}-{ref}"
    if is_upstream(target):
        return Upstream(target)
    if source is None and not _reachable(ADDRESS):
        sys.stderr.write(f"{ADDRESS} cannot be reached: taking {WHEEL} {WHEEL_VERSION} from PyPI instead\n")
        return get_wheel(folder)
    return _checkout(source or ADDRESS, ref, target)


def get_wheel(folder: Optional[Path] = None) -> Upstream:
    """PyPI's ppvideo, unpacked and not installed: its dependency pins do not resolve on today's Python."""
    folder = cache() if folder is None else Path(folder)
    target = folder / f"{WHEEL}-{WHEEL_VERSION}"
    if not is_upstream(target / WHEEL):
        with _beside(target) as work:
            arguments = ["download", "--no-deps", "--disable-pip-version-check", "-q"]
            _run([sys.executable, "-m", "pip", *arguments, "-d", str(work), f"{WHEEL}=={WHEEL_VERSION}"])
            for wheel in work.glob("*.whl"):
                with zipfile.ZipFile(wheel) as archive:
                    archive.extractall(work / "unpacked")
            _take(work / "unpacked", target, WHEEL)
    return Upstream(target / WHEEL)


def _checkout(source: str, ref: str, target: Path) -> Upstream:
    with _beside(target) as work:
        clone = work / CHECKOUT
        _run(["git", "clone", "-q", "--no-checkout", "--filter=blob:none", source, str(clone)])
        sparse = clone / ".git" / "info" / "sparse-checkout"
        _run(["git", "config", "core.sparseCheckout", "true"], clone)
        sparse.parent.mkdir(exist_ok=True)
        sparse.write_text("/*\n" + "".join(f"!{pattern}\n" for pattern in LEFT_OUT), encoding="utf-8")
        _run(["git", "checkout", "-q", ref], clone)
        _take(clone, target, ".")
    return Upstream(target)


def _take(folder: Path, target: Path, root: str) -> None:
    if not is_upstream(folder / root):
        raise EnvironmentSetupError(f"what was fetched for {target.name} has no main.py with a paddlevideo/ beside it")
    folder.rename(target)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A temporary folder on the target's file system, so that what is complete can be renamed into place."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=target.parent, prefix=".getting-"))
    except OSError as error:
        raise EnvironmentSetupError(f"{target.parent} cannot be written: {error.strerror}") from error
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _reachable(address: str) -> bool:
    try:
        _run(["git", "ls-remote", "-q", address, "HEAD"], timeout=REACHABLE_TIMEOUT)
    except EnvironmentSetupError:
        return False
    return True


def _run(command: Sequence[str], folder: Optional[Path] = None, timeout: Optional[float] = None) -> None:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        result = subprocess.run(
            command, cwd=folder, env=environment, timeout=timeout, capture_output=True, text=True, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentSetupError(f"{command[0]} did not run: {error}") from error
    if result.returncode:
        reason = (result.stderr.strip() or result.stdout.strip() or "no reason given").splitlines()[-1]
        raise EnvironmentSetupError(f"{' '.join(command)} failed: {reason}")
