"""Where a PaddleVideo is on this machine."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Optional, Union

from ctrgcn_plugin.errors import EnvironmentSetupError

ROOT_VARIABLE = "PADDLEVIDEO_ROOT"
CHECKOUT = "PaddleVideo"
WHEEL = "ppvideo"
WHEEL_VERSION = "2.3.1"


@dataclass(frozen=True)
class Upstream:
    """A folder with upstream's ``main.py`` and ``paddlevideo/``: a git checkout, or the PyPI distribution unpacked."""

    root: Path

    @property
    def main(self) -> Path:
        return self.root / "main.py"

    def commit(self) -> str:
        """The abbreviated commit of a git checkout; empty where it is none, or git is missing."""
        if not (self.root / ".git").exists():
            return ""
        command = ["git", "-C", str(self.root), "rev-parse", "--short", "HEAD"]
        try:
            return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        except FileNotFoundError:
            return ""


def is_upstream(folder: Union[str, Path]) -> bool:
    """Whether a folder is one that upstream can be run from."""
    return (Path(folder) / "main.py").is_file() and (Path(folder) / "paddlevideo" / "__init__.py").is_file()


def cache() -> Path:
    """The user's cache folder of this package; it need not exist."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ctrgcn-plugin"


def candidates() -> list[Path]:
    """Where to look, best first: PADDLEVIDEO_ROOT, the current folder, the cache, the installed ppvideo."""
    named = os.environ.get(ROOT_VARIABLE)
    folders = [Path(named)] if named else []
    folders.append(Path.cwd())
    folders += sorted(cache().glob(f"{CHECKOUT}-*")) + sorted(cache().glob(f"{WHEEL}-*/{WHEEL}"))
    spec = find_spec(WHEEL)
    return folders + [Path(place) for place in (spec.submodule_search_locations or [] if spec else [])]


def find(given: Optional[Union[str, Path]] = None) -> Upstream:
    """The PaddleVideo at `given`, else the first of the candidates that is one."""
    if given is not None:
        if not is_upstream(given):
            raise EnvironmentSetupError(f"no PaddleVideo at {given}: a folder with main.py and paddlevideo/ is needed")
        return Upstream(Path(given).resolve())
    named = os.environ.get(ROOT_VARIABLE)
    if named and not is_upstream(named):
        raise EnvironmentSetupError(f"{ROOT_VARIABLE} is {named}, where there is no main.py with a paddlevideo/")
    for folder in candidates():
        if is_upstream(folder):
            return Upstream(folder.resolve())
    raise EnvironmentSetupError(
        f"no PaddleVideo found in {ROOT_VARIABLE}, the current folder, {cache()} or as {WHEEL}; "
        "get one with: ctrgcn upstream get"
    )
