"""What the checks found, for people and for programs."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple, Optional, Union

from ctrgcn_plugin import terminal

PROBLEM, WARNING, NOTE = SEVERITIES = ("problem", "warning", "note")
FIX = "ctrgcn data check --fix OUT_DIR"
SHOWN = 3
SHOWN_OF_MENDED = 20
WIDTH = 115


class Clip(NamedTuple):
    """One clip of a finding: where it is, its name where it has one, and what is to be said of it."""

    split: str
    row: int
    name: str
    detail: str = ""

    def __str__(self) -> str:
        where = f"{self.split} row {self.row}"
        return (f"{self.name} ({where})" if self.name else where) + (f": {self.detail}" if self.detail else "")


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        severity: "problem" spoils or falsifies a training, "warning" may, "note" is for information.
        check: what found it, a word.
        what: a sentence with numbers.
        advice: what to do; may be empty for a note.
        clips: all that it is about, the worst first; empty where it is about the whole.
        where: protocol and split.
    """

    severity: str
    check: str
    what: str
    advice: str = ""
    clips: Sequence[Clip] = ()
    where: str = ""

    def lines(self) -> Iterator[str]:
        """As text; of the clips the first few."""
        more = len(self.clips) - SHOWN
        shown = [*map(str, self.clips[:SHOWN]), *([f"and {more} more"] if more > 0 else [])]
        yield from _wrapped(f"{self.severity:9}", f"{self.where}, {self.check}: {self.what}")
        yield from _wrapped("", "; ".join(shown))
        yield from _wrapped("", f"-> {self.advice}" if self.advice else "")


# protocol and split -> title -> what there is
Overview = dict[str, dict[str, Union[str, int]]]


@dataclass
class Report:
    """All that is found in one folder.

    Attributes:
        layout: name of the skeleton layout, and how it was found.
        mended: the clips that a mended copy has not as they are here, or not at all.
        after: the report on the mended copy.
    """

    folder: Path
    layout: str
    overview: Overview = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    mended: list[Clip] = field(default_factory=list)
    after: Optional[Report] = None

    @property
    def problems(self) -> list[Finding]:
        """What makes the exit status 1: the problems; those of the mended copy, where there is one."""
        return [finding for finding in (self.after or self).findings if finding.severity == PROBLEM]

    def lines(self) -> list[str]:
        """The report as text."""
        text = [f"{self.folder}: layout {self.layout}", *_table(self.overview), ""]
        text += [line for finding in self._sorted() for line in finding.lines()]
        counts = Counter(finding.severity for finding in self.findings)
        found = [f"{counts[word]} {word}{'s' * (counts[word] > 1)}" for word in SEVERITIES if counts[word]]
        text.append(f"{self.folder}: {', '.join(found) or 'nothing found'}")
        if self.after:
            more = len(self.mended) - SHOWN_OF_MENDED
            text += ["", f"{len(self.mended)} clips are not as they were in {self.after.folder}"]
            text += [f"  {clip}" for clip in self.mended[:SHOWN_OF_MENDED]]
            text += [f"  and {more} more, see fixes.csv there"] if more > 0 else []
            text += ["", *self.after.lines()]
        return text

    def as_json(self) -> str:
        """The report for programs, with every clip of every finding."""
        return json.dumps(self._plain(), indent=2)

    def _plain(self) -> dict[str, object]:
        return {
            "folder": str(self.folder),
            "layout": self.layout,
            "overview": self.overview,
            "findings": [
                {**asdict(finding), "clips": [clip._asdict() for clip in finding.clips]} for finding in self._sorted()
            ],
            "mended": [clip._asdict() for clip in self.mended],
            "after": self.after._plain() if self.after else None,
            "problems": len(self.problems),
        }

    def _sorted(self) -> list[Finding]:
        return sorted(self.findings, key=lambda finding: SEVERITIES.index(finding.severity))


def _table(overview: Overview) -> list[str]:
    titles = list(dict.fromkeys(title for row in overview.values() for title in row))
    rows = [[where, *(str(row.get(title, "")) for title in titles)] for where, row in overview.items()]
    return terminal.table(["", *titles], rows, right=False)


def _wrapped(head: str, text: str) -> list[str]:
    indent = " " * 9
    return textwrap.wrap(
        text, WIDTH, initial_indent=head or indent, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
