"""What a run of PaddleVideo would meet here: versions, each fault and what became of it, the patches in place."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ctrgcn_plugin import __version__
from ctrgcn_plugin.errors import EnvironmentSetupError
from ctrgcn_plugin.upstream import examination, fixes, patches
from ctrgcn_plugin.upstream.fixes.fix import ENDANGERS, FALSIFIES, OFF, STOPS, UNCHECKED, UNKNOWN, Fix, Outcome
from ctrgcn_plugin.upstream.locate import Upstream

SERIOUS = (STOPS, FALSIFIES, ENDANGERS)
TIMEOUT = 300


@dataclass
class Report:
    """What was found.

    Attributes:
        versions: what is installed, by name.
        upstream: the PaddleVideo that was looked at.
        commit: of its checkout; empty where it is none.
        outcomes: of every fix.
        patches: those of the series that are in place; None where git is missing.
        plugins: installed plugins for PaddleVideo, name -> entry point.
        problems: what would stop or falsify a run; each a sentence.
        messages: what the plugins said on standard error.
    """

    versions: dict[str, str]
    upstream: Path
    commit: str = ""
    outcomes: dict[Fix, Outcome] = field(default_factory=dict)
    patches: list[patches.Patch] | None = None
    plugins: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


def examine(upstream: Upstream) -> Report:
    """Look at a PaddleVideo as a run of its main.py would see it, under this Python and this environment."""
    report = Report({"ctrgcn-plugin": __version__, "Python": platform.python_version()}, upstream.root)
    report.commit = upstream.commit()
    try:
        report.patches = patches.in_place(upstream.root)
    except EnvironmentSetupError as error:
        report.messages.append(str(error))
    found, printed = _look_inside(upstream)
    report.messages += [line for line in printed.splitlines() if line.startswith(("ctrgcn", "PaddleVideo plugin"))]
    report.problems += [line for line in report.messages if line.startswith("PaddleVideo plugin")]
    if found is None:
        last = next((line for line in reversed(printed.splitlines()) if line.strip()), "no output")
        report.problems.append(f"{upstream.root} cannot be imported: {last}")
        return report
    for name, module in (("NumPy", "numpy"), ("Paddle", "paddle"), ("PaddleVideo", "paddlevideo")):
        report.versions[name] = found["versions"][module]
    report.plugins = found["plugins"]
    report.outcomes = {fix: Outcome(**found["fixes"][fix.name]) for fix in fixes.FIXES}
    report.problems += _problems(report.outcomes, found)
    return report


def _look_inside(upstream: Upstream) -> tuple[dict[str, Any] | None, str]:
    """(what the examination found, None if it did not end well; what it printed on standard error)."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, "-c", examination.START, str(upstream.root), str(result)]
        try:
            ended = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired:
            return None, f"not done after {TIMEOUT} s"
        found = json.loads(result.read_text(encoding="utf-8")) if result.is_file() else None
        return found, ended.stderr


def _problems(outcomes: dict[Fix, Outcome], found: dict[str, Any]) -> list[str]:
    problems = []
    if not found["hooked"]:
        problems.append(
            "the start-up hook is not active in this Python (-S, pip --target, or PADDLEVIDEO_PLUGINS=0), so main.py "
            "gets neither the plugins nor the fixes; run it as: ctrgcn run main.py ..."
        )
    for module, reason in found["failed"].items():
        if not module.endswith(".py") or "does not have it" not in reason:
            problems.append(
                f"{module} cannot be imported: {reason}; upstream's needs: pip install ctrgcn-plugin[upstream]"
            )
    problems += [
        f"the fix {fix.name} is switched off, and its fault is there: {fix.where}, {fix.symptom}"
        for fix, outcome in outcomes.items()
        if outcome.what == OFF and fix.harm in SERIOUS
    ]
    return problems


def lines(report: Report) -> list[str]:
    """The report as text."""
    commit = f", commit {report.commit}" if report.commit else ""
    text = [
        ", ".join(f"{name} {version}" for name, version in report.versions.items()),
        f"PaddleVideo at {report.upstream}{commit}",
        "plugins: " + (", ".join(f"{name} ({value})" for name, value in report.plugins.items()) or "none"),
        "",
    ]
    if report.outcomes:
        width = max(len(fix.name) for fix in report.outcomes)
        for fix, outcome in report.outcomes.items():
            text.append(f"{outcome.what:14} {fix.name:{width}}  {fix.harm:9}  {fix.where}: {fix.symptom}")
            if outcome.reason:
                text.append(f"{'':14} {'':{width}}  because    {outcome.reason}")
        counts = {what: sum(o.what == what for o in report.outcomes.values()) for what in _order(report)}
        text += ["", ", ".join(f"{count} {what}" for what, count in counts.items())]
    text += _about_patches(report)
    text += [message for message in report.messages if message not in report.problems]
    text += [f"problem: {problem}" for problem in report.problems] or ["no problem found"]
    return text


def _order(report: Report) -> list[str]:
    return list(dict.fromkeys(sorted((o.what for o in report.outcomes.values()), key=_late)))


def _late(what: str) -> bool:
    return what in (UNCHECKED, UNKNOWN, OFF)


def _about_patches(report: Report) -> list[str]:
    if report.patches is None:
        return []
    total = len(patches.series())
    names = ", ".join(map(str, report.patches)) if len(report.patches) < total else "all"
    return [f"{len(report.patches)} of {total} patches in place" + (f": {names}" if report.patches else "")]


def as_json(report: Report) -> str:
    """The report for programs."""
    return json.dumps(
        {
            "versions": report.versions,
            "upstream": str(report.upstream),
            "commit": report.commit,
            "plugins": report.plugins,
            "fixes": [
                {
                    "name": fix.name,
                    "outcome": outcome.what,
                    "reason": outcome.reason,
                    "harm": fix.harm,
                    "where": fix.where,
                    "symptom": fix.symptom,
                }
                for fix, outcome in report.outcomes.items()
            ],
            "patches": None if report.patches is None else [str(patch) for patch in report.patches],
            "problems": report.problems,
            "messages": report.messages,
        },
        indent=2,
    )
