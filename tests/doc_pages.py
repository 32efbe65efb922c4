"""README and docs as data: their code blocks with the mark above each, their prose, their two languages.

A mark is an HTML comment on the line above a fence, which no reader sees::

    <!-- run: PLACE -->       a test runs the block in PLACE; `; "epochs 1" for "epochs 12"` has it run shorter there
    <!-- run by: FILE::NAME -->   another test runs these very commands
    <!-- needs: WHAT, ... -->     it is not run here: a GPU, the data set, the reader's own files, ...
    <!-- form -->                 it is not run anywhere: a synopsis, a part of a file

A fence without a language is what a command has printed, and needs no mark.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = ("en", "zh-CN")
PLACES = ("quickstart", "PaddleVideo", "empty")
NEEDS = ("NTU RGB+D", "GPU", "own data", "network", "weights", "checkout", "clone")
# starts what is typed: the rest of a command line's first words
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_BLOCK = re.compile(r"(?:^<!--(?P<mark>.*?)-->\n)?^```(?P<language>[\w+-]*)\n(?P<content>.*?)^```$", flags=re.M | re.S)
_FILE_NAME = re.compile(r"# ([\w./-]+\.\w+)\n")
_SHORTER = re.compile(r'"([^"]*)" for "([^"]*)"')


@dataclass(frozen=True)
class Mark:
    """What is said of a block: the kind and its value, and what is replaced where a test runs it."""

    kind: str = ""
    value: str = ""
    shorter: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, text: str) -> Mark:
        head, _, tail = text.strip().partition(";")
        kind, _, value = head.partition(":")
        return cls(kind.strip(), value.strip(), tuple((long, short) for short, long in _SHORTER.findall(tail)))

    @property
    def needs(self) -> list[str]:
        return self.value.split(", ") if self.kind == "needs" else []


@dataclass(frozen=True)
class Block:
    """A fenced block: where it is, its language ("" for what is printed), its content, its mark."""

    page: Path
    line: int
    language: str
    content: str
    mark: Mark

    def __str__(self) -> str:
        return f"{name(self.page)}:{self.line}"

    @property
    def file(self) -> str:
        """The name that its first line, a comment, gives it; "" if it is no file."""
        found = _FILE_NAME.match(self.content)
        return found[1] if found else ""

    def shortened(self) -> str:
        """The content as a test runs it."""
        content = self.content
        for long, short in self.mark.shorter:
            assert long in content, f"{self}: {long!r} is to be replaced, and is not there"
            content = content.replace(long, short)
        return content


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def pages() -> list[Path]:
    """README in every language, and all of docs."""
    return [*sorted(ROOT.glob("README*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def pairs() -> list[tuple[Path, Path]]:
    """(English, Chinese): the same name in both folders, whether it exists or not; README where there are two."""
    folders = [ROOT / "docs" / language for language in LANGUAGES]
    names = sorted({page.relative_to(folder) for folder in folders for page in folder.rglob("*.md")})
    readmes = (ROOT / "README.md", ROOT / "README_cn.md")
    return [*([readmes] if readmes[1].exists() else []), *((folders[0] / name, folders[1] / name) for name in names)]


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page,
            text.count("\n", 0, found.start()) + 1,
            found["language"],
            found["content"],
            Mark.read(found["mark"] or ""),
        )
        for found in _BLOCK.finditer(text)
    ]


def prose(page: Path) -> str:
    """The text without its blocks and comments."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    return re.sub(r"<!--.*?-->\n?", "", text, flags=re.S)


def command_lines(content: str) -> Iterator[list[str]]:
    """The words of every simple command in a shell block: without comments, variables set for it and redirections."""
    pending = ""
    for line in content.splitlines():
        pending += line
        if pending.endswith("\\"):
            pending = pending[:-1]
            continue
        lexer = shlex.shlex(pending, posix=True, punctuation_chars=";|&<>")
        lexer.whitespace_split = True
        try:
            words = list(lexer)
        except ValueError:  # a quotation that goes on in the next line
            pending += "\n"
            continue
        yield from _simple_commands(words)
        pending = ""
    assert not pending, f"a quotation is not closed: {pending}"


def _simple_commands(words: list[str]) -> Iterator[list[str]]:
    command: list[str] = []
    target = False  # of a redirection
    for word in [*words, ";"]:
        if set(word) <= set(";|&"):
            if command:
                yield command
            command = []
        elif set(word) <= set("<>&"):
            target = True
        elif target:
            target = False
        elif command or not _ASSIGNMENT.match(word):
            command.append(word)
