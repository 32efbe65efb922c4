"""What came of runs of TIPC: for people as a table, for machines as JUnit's XML."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ctrgcn_plugin import terminal
from ctrgcn_plugin.files import replacing
from ctrgcn_plugin.tipc.judge import Verdict

COLUMNS = ("stage", "result", "seconds", "")


@dataclass(frozen=True)
class Result:
    """One run of a chain: its name, and a verdict for each of its stages."""

    name: str
    verdicts: Sequence[Verdict]

    @property
    def passed(self) -> bool:
        return bool(self.verdicts) and all(verdict.passed for verdict in self.verdicts)

    @property
    def seconds(self) -> float:
        return sum(verdict.seconds or 0 for verdict in self.verdicts)


def table(result: Result) -> str:
    """One line for each stage, under a line of headings."""
    return "\n".join(terminal.table(COLUMNS, map(_row, result.verdicts), right=False))


def _row(verdict: Verdict) -> tuple[str, str, str, str]:
    seconds = "" if verdict.seconds is None else f"{verdict.seconds:7.1f}"
    return verdict.stage, "passed" if verdict.passed else "FAILED", seconds, verdict.reason or verdict.detail


def write_junit(results: Iterable[Result], file: Path) -> None:
    """JUnit's XML: a suite for each run, a case for each stage."""
    root = ET.Element("testsuites")
    for result in results:
        failures = sum(not verdict.passed for verdict in result.verdicts)
        suite = ET.SubElement(
            root,
            "testsuite",
            name=result.name,
            tests=str(len(result.verdicts)),
            failures=str(failures),
            errors="0",
            time=f"{result.seconds:.3f}",
        )
        for verdict in result.verdicts:
            case = ET.SubElement(
                suite, "testcase", classname=result.name, name=verdict.stage, time=f"{verdict.seconds or 0:.3f}"
            )
            if verdict.reason:
                failure = ET.SubElement(case, "failure", message=verdict.reason)
                failure.text = f"{verdict.reason}\nlog: {verdict.log or 'none'}"
            if verdict.detail:
                ET.SubElement(case, "system-out").text = verdict.detail
    with replacing(file) as target:
        ET.ElementTree(root).write(target, encoding="utf-8", xml_declaration=True)
