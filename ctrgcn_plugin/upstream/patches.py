"""The patch series: what of it is in place in a PaddleVideo, applied to it, taken back from it.

Which patches are in place is read from the code alone, so nothing needs to be kept about it, and
one that was applied by ``git am`` is seen as well.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ctrgcn_plugin import resources
from ctrgcn_plugin.errors import EnvironmentSetupError, UserError, unknown
from ctrgcn_plugin.files import replacing

COMMAND = "ctrgcn patch"
SHOWN = 5


@dataclass(frozen=True)
class Patch:
    """One patch of the series.

    Attributes:
        file: ``patches/<number>-<name>.patch``.
        subject: its first line to upstream's reviewers.
        touches: the files that it changes, as paths in PaddleVideo.
    """

    file: Path
    subject: str
    touches: tuple[str, ...]

    @property
    def number(self) -> str:
        return self.file.stem.partition("-")[0]

    @property
    def name(self) -> str:
        return self.file.stem.partition("-")[2]

    def __str__(self) -> str:
        return self.file.stem


def series() -> list[Patch]:
    """All patches, in the order in which they apply."""
    return [_read(file) for file in sorted(resources.folder("patches").glob("*.patch"))]


def _read(file: Path) -> Patch:
    text = file.read_text(encoding="utf-8")
    subject = re.search(r"^Subject: \[PATCH[^]]*\] (.*(?:\n .*)*)", text, flags=re.M)
    assert subject, f"{file} has no subject"
    touches = sorted(set(re.findall(r"^diff --git a/(\S+) b/", text, flags=re.M)))
    return Patch(file, subject[1].replace("\n", ""), tuple(touches))


def chosen(names: Iterable[str]) -> list[Patch]:
    """The patches with these numbers or names, in the series' order; all where none is named."""
    patches = series()
    wanted = list(names)
    for name in wanted:
        if not any(_is_called(patch, name) for patch in patches):
            raise unknown("patch", name, [patch.name for patch in patches])
    return [patch for patch in patches if not wanted or any(_is_called(patch, name) for name in wanted)]


def _is_called(patch: Patch, name: str) -> bool:
    return name in (patch.name, str(patch), patch.file.name) or (name.isdigit() and int(name) == int(patch.number))


def in_place(root: Path, patches: Optional[Sequence[Patch]] = None) -> list[Patch]:
    """Those patches that the PaddleVideo at `root` has."""
    patches = series() if patches is None else patches
    with _copy(root, patches) as copy:
        return [patch for patch in reversed(patches) if _git_apply(copy, patch, back=True) is None][::-1]


@dataclass(frozen=True)
class Outcome:
    """What :func:`apply` has done, or :func:`plan` would do: the patches that fit, and why the others do not."""

    fits: list[Patch]
    others: dict[Patch, str]


def plan(root: Path, patches: Sequence[Patch]) -> Outcome:
    """Which of the patches fit the PaddleVideo at `root`, one after the other."""
    fits, others = [], {}
    with _copy(root, patches) as copy:
        for patch in patches:
            missing = [path for path in patch.touches if not (root / path).is_file() and not _adds(patch, path)]
            reason = f"there is no {', '.join(missing)}" if missing else _git_apply(copy, patch)
            if reason is None:
                fits.append(patch)
            else:
                others[patch] = reason
    return Outcome(fits, others)


def states(root: Path, names: Sequence[str] = ()) -> list[tuple[Patch, str]]:
    """Each patch of the series, or each named one: whether it is in place, would fit, or why it does not."""
    patches = chosen(names)
    there = in_place(root)
    outcome = plan(root, [patch for patch in patches if patch not in there])
    words = {**dict.fromkeys(there, "in place"), **dict.fromkeys(outcome.fits, "fits"), **outcome.others}
    return [(patch, words[patch]) for patch in patches]


def apply(root: Path, names: Sequence[str] = ()) -> Outcome:
    """Apply the series, or the named patches, to the files at `root`; nothing is committed.

    Of the series, those are applied that fit. Of named patches each must fit.

    Raises:
        UserError: the tree has uncommitted changes or patches of the series already, or a named
            patch or none of the series fits. Nothing has been changed then.
    """
    patches = chosen(names)
    there = in_place(root)
    if there:
        raise UserError(
            f"{root} already has {_listed(there)}; take them back first: {COMMAND} --undo {root} (of those "
            "that git am committed, git can take back the commits)"
        )
    changed = changes(root)
    if changed:
        raise UserError(
            f"{root} has changes that are not committed ({_listed(changed)}); commit or stash them, so that the "
            "patches can be told from them"
        )
    outcome = plan(root, patches)
    if outcome.others and (names or not outcome.fits):
        patch, reason = next(iter(outcome.others.items()))
        raise UserError(f"patch {patch} does not fit {root}: {reason}; see which do: {COMMAND} --list {root}")
    _change(root, outcome.fits)
    return outcome


def take_back(root: Path, names: Sequence[str] = ()) -> list[Patch]:
    """Take the series, or the named patches, out of the files at `root` again; those that were there."""
    patches = chosen(names)
    there = in_place(root)
    absent = [patch for patch in patches if patch not in there]
    if not there or (names and absent):
        raise UserError(f"{root} does not have {_listed(absent)} in place; see what it has: {COMMAND} --list {root}")
    back = [patch for patch in patches if patch in there]
    _change(root, back[::-1], back=True)
    return back


def changes(root: Path) -> list[str]:
    """Files of the git checkout at `root` that differ from its commit; none where `root` is no checkout."""
    if not (root / ".git").exists():
        return []
    result = _git(root, "status", "--porcelain", "--untracked-files=no")
    if result.returncode:
        raise EnvironmentSetupError(f"git status failed in {root}: {_last_line(result.stderr)}")
    return [line[3:] for line in result.stdout.splitlines()]


@contextmanager
def _copy(root: Path, patches: Sequence[Patch]) -> Iterator[Path]:
    """A folder with copies of the files that the patches touch, to try them on."""
    with tempfile.TemporaryDirectory() as folder:
        for path in {path for patch in patches for path in patch.touches}:
            if (root / path).is_file():
                target = Path(folder, path)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(root / path, target)
        yield Path(folder)


def _adds(patch: Patch, path: str) -> bool:
    return f"\n--- /dev/null\n+++ b/{path}\n" in patch.file.read_text(encoding="utf-8")


def _change(root: Path, patches: Sequence[Patch], back: bool = False) -> None:
    """Apply the patches to the files at `root`, or take them back, in this order; nothing is written unless all fit."""
    with _copy(root, patches) as copy:
        for patch in patches:
            reason = _git_apply(copy, patch, back)
            if reason is not None:
                raise UserError(f"patch {patch} cannot be {'taken back' if back else 'applied'}: {reason}")
        for path in sorted({path for patch in patches for path in patch.touches}):
            _put(Path(copy, path), root / path)


def _put(new: Path, old: Path) -> None:
    """Have `old` as `new` is."""
    try:
        if not new.is_file():
            old.unlink(missing_ok=True)
        elif not old.is_file() or old.read_bytes() != new.read_bytes():
            with replacing(old) as file:
                file.write(new.read_bytes())
            shutil.copymode(new, old)
    except OSError as error:
        raise EnvironmentSetupError(f"{old} cannot be changed: {error.strerror}; may you write there?") from error


def _git_apply(root: Path, patch: Patch, back: bool = False) -> Optional[str]:
    """Apply a patch to the files at `root`; why not, or None if it went well."""
    options = ["--reverse"] if back else []
    # one patch a call: which of several git takes back first depends on its version
    result = _git(root, "apply", "--whitespace=nowarn", *options, "-", text=patch.file.read_text(encoding="utf-8"))
    if result.returncode == 0:
        return None
    return _last_line(result.stderr).removeprefix("error: ") or f"git apply ended with status {result.returncode}"


def _git(root: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    # a PaddleVideo inside another repository, such as an installed one in an environment there, is not part of it
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(root.resolve().parent), "LC_ALL": "C"}
    try:
        return subprocess.run(
            ["git", *arguments], cwd=root, env=environment, input=text, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise EnvironmentSetupError("patches are applied by git, which is not installed; install it") from error


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]


def _listed(items: Sequence[object]) -> str:
    return ", ".join(map(str, items[:SHOWN])) + (f" and {len(items) - SHOWN} more" if len(items) > SHOWN else "")
