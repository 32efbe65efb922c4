"""The lines of TIPC's configs: positional text, read as upstream's scripts read it.

A line is ``key:value`` and means what its position says. Blank lines do not count, and what follows a second colon is
lost to those scripts, without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.tipc.commands import Command

NULL = "null"
SEPARATOR = "##"
HEADER = "="
# a list of shapes, which no script of the chains here reads
MAY_HOLD_COLONS = "random_infer_input"


@dataclass(frozen=True)
class Line:
    """One line; `number` counts from 1, blank lines included."""

    number: int
    text: str

    @property
    def key(self) -> str:
        return self.text.split(":")[0]

    @property
    def value(self) -> str:
        """As the scripts see it: up to a second colon."""
        return self.text.split(":")[1] if ":" in self.text else ""

    @property
    def is_null(self) -> bool:
        return self.value.strip() in (NULL, "")

    @property
    def is_header(self) -> bool:
        return self.text.startswith(HEADER)

    def alternatives(self) -> list[str]:
        """The values that are separated by ``|``."""
        return self.value.split("|")

    def option(self) -> str:
        """``key=value`` as it ends up in a command; empty where either is null."""
        return "" if self.is_null or self.key == NULL else f"{self.key}={self.value}"


def read(file: Path) -> tuple[Line, ...]:
    """The lines of a file that are not blank; a ConfigError for one that the scripts read otherwise than it looks."""
    try:
        text = file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"TIPC config {file} cannot be read as text: {error}") from error
    if "\r" in text:
        raise ConfigError(f"{file} has Windows line ends, which the shell takes for part of the values; remove them")
    lines = tuple(Line(number, line) for number, line in enumerate(text.split("\n"), 1) if line)
    for line in lines:
        if line.text.count(":") > 1 and line.key != MAY_HOLD_COLONS:
            lost = line.text.split(":", 2)[2]
            raise ConfigError(f"{file}, line {line.number}: TIPC drops {lost!r}; no value may hold a colon")
    return lines


def require_keys(file: Path, lines: tuple[Line, ...], keys: Mapping[int, str]) -> None:
    """Raise a ConfigError unless each position from 0 has its key, or is a header where that is HEADER."""
    for position, key in keys.items():
        if position >= len(lines):
            raise ConfigError(f"{file} ends after {len(lines)} lines; {key!r} has to be line {position + 1}")
        line = lines[position]
        if not (line.is_header if key == HEADER else line.key.strip() == key):
            wanted = "a header (=====)" if key == HEADER else repr(key)
            raise ConfigError(
                f"{file}, line {line.number} is {line.text!r}, where TIPC reads {wanted}; "
                "it goes by position: a line before it is missing, or one too many"
            )


def parse_command(file: Path, line: Line) -> Command:
    """The command that a line's value is."""
    try:
        return Command.parse(line.value)
    except ValueError as error:
        raise ConfigError(f"{file}, line {line.number} is no command: {error}: {line.text!r}") from error
