"""The table in patches/README.md, which says what each patch is for, and copies of PaddleVideo to patch."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from ctrgcn_plugin import resources
from ctrgcn_plugin.upstream.fixes import FIXES

# exit statuses of a piece of evidence
FINE, FAULT, CANNOT = 0, 1, 77
# without these, PyPI's PaddleVideo cannot be imported by the Paddle of today
FOR_IMPORT = {"paddle-fluid", "is-compiled-with-npu", "getargspec"}
FOLDER = resources.folder("patches")
_ROW = re.compile(r"^\| (\d{4}) \| (.+?) \| \[(.+?)\]\(evidence/(.+?)\.py\) \| (.+?) \| (.*?) \|$", flags=re.M)


@dataclass(frozen=True)
class Row:
    """One patch: its fault, the files it touches, the run-time fixes that do the same. Its evidence has its name."""

    number: str
    name: str
    fault: str
    files: list[str]
    fixes: list[str]


def _rows() -> list[Row]:
    rows = []
    for number, fault, name, evidence, files, fixes in _ROW.findall((FOLDER / "README.md").read_text(encoding="utf-8")):
        assert name == evidence
        rows.append(Row(number, name, fault, re.findall(r"[^, ]+", files), re.findall(r"`(.+?)`", fixes)))
    return rows


ROWS = _rows()
TABLE = {row.name: row.fixes for row in ROWS}


def link_tree(source: Path, target: Path) -> None:
    """A copy for git to change: it replaces files and does not write into them."""

    def ignore(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if name in (".git", "__pycache__", "applications", "images", "output")}

    def link(source: str, target: str) -> None:
        try:
            os.link(source, target)
        except OSError:
            shutil.copy(source, target)

    shutil.copytree(source, target, ignore=ignore, copy_function=link)


def without_fixes(name: str) -> str:
    """The off-switch's value that leaves stock PaddleVideo as it is, for the evidence of one fault."""
    kept = FOR_IMPORT - set(TABLE[name])
    return ",".join(fix.name for fix in FIXES if fix.name not in kept)
