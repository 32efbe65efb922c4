"""What a command shows: its results on stdout, all else on stderr, as much of it as was asked for.

Results are the same whatever reads them, but for what a terminal adds: colour, and lines that fit its width.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import IO, TYPE_CHECKING, Any, Optional

if TYPE_CHECKING:
    from tqdm import tqdm


class Level(IntEnum):
    """How much is said besides results and errors."""

    QUIET = 0
    NORMAL = 1
    VERBOSE = 2


STYLES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "cyan": 36}
BLOCKS = " ▏▎▍▌▋▊▉█"
ASCII = " #"
PLAIN_WIDTH = 100  # of what is no terminal

level = Level.NORMAL


def set_level(wanted: Level) -> None:
    """From here on, say so much."""
    global level
    level = wanted


def say(text: str = "") -> None:
    """A line of the result."""
    print(_fitted(text, sys.stdout), flush=True)


def hand_over(text: str) -> None:
    """A part of the result that is for a program or to be pasted: its lines stay whole."""
    print(text, flush=True)


def note(text: str) -> None:
    """A line about how it goes on."""
    if level >= Level.NORMAL:
        print(_fitted(text, sys.stderr), file=sys.stderr, flush=True)


def complain(error: object) -> None:
    """A line about what is wrong, however little is to be said."""
    print(f"ctrgcn: {style('error:', 'red', sys.stderr)} {error}", file=sys.stderr, flush=True)


def detail(text: str) -> None:
    """A line for somebody who wants to know exactly."""
    if level >= Level.VERBOSE:
        print(_fitted(text, sys.stderr), file=sys.stderr, flush=True)


def width() -> int:
    """Columns of the terminal."""
    return shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns


def is_coloured(stream: Optional[IO[str]] = None) -> bool:
    """Whether `stream`, by default stdout, is a terminal with colours; nobody asked for none (no-color.org)."""
    stream = stream or sys.stdout
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def style(text: str, name: str, stream: Optional[IO[str]] = None) -> str:
    """`text` in one of :data:`STYLES`; as it is where there are no colours."""
    return f"\033[{STYLES[name]}m{text}\033[0m" if is_coloured(stream) else text


def bar(share: float, columns: int = 20) -> str:
    """A bar of `columns` characters, filled by `share` of them, 0 to 1, to an eighth of a character."""
    steps = BLOCKS if _can_show(BLOCKS) else ASCII
    parts = len(steps) - 1
    filled = round(min(max(share, 0.0), 1.0) * columns * parts)
    whole, rest = divmod(filled, parts)
    return (steps[-1] * whole + (steps[rest] if rest else "")).ljust(columns)


def table(header: Sequence[str], rows: Iterable[Sequence[str]], right: bool = True) -> list[str]:
    """Aligned lines: the first column to the left, the others to the right unless not `right`.

    The last cell of a row that is shorter than the header may be of any length.
    """
    rows = [header, *rows]
    widths = [
        max(columns_of(row[place]) for row in rows if place == 0 or len(row) == len(header))
        for place in range(len(header))
    ]
    lines = []
    for row in rows:
        gaps = [" " * (size - columns_of(cell)) for cell, size in zip(row, widths)]
        if right and len(row) == len(header):
            cells = [row[0] + gaps[0], *(gap + cell for cell, gap in zip(row[1:], gaps[1:]))]
        else:
            cells = [cell + gap for cell, gap in zip(row, gaps)]
        lines.append("  ".join(cells).rstrip())
    return lines


def ranking(shares: Iterable[tuple[str, float]]) -> list[str]:
    """A line for each name: how large its share is, as a number and as a bar."""
    rows = [(name, f"{share:7.2%}", bar(share)) for name, share in shares]
    return table(("", "", ""), rows, right=False)[1:]


def columns_of(text: str) -> int:
    """How many columns of a terminal `text` takes: two for each wide character, as Chinese has them."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def progress(
    items: Optional[Iterable[Any]] = None, total: Optional[float] = None, unit: str = "it", text: str = "", **more: Any
) -> tqdm:
    """A bar on stderr with the time that is left; nothing under ``--quiet`` and where stderr is no terminal.

    Args:
        items: to go through; None to call its ``update``.
        total: how many there are.
        more: as tqdm has it.
    """
    from tqdm import tqdm

    return tqdm(
        items,
        desc=text or None,
        total=total,
        unit=unit,
        dynamic_ncols=True,
        # None: not where it is no terminal
        disable=True if level == Level.QUIET else None,
        **more,
    )


def _can_show(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _fitted(text: str, stream: IO[str]) -> str:
    """`text` with its long lines broken between words where `stream` is a terminal; a program gets them whole."""
    if not stream.isatty():
        return text
    columns = width()
    return "\n".join(_wrapped(line, columns) for line in text.split("\n"))


def _wrapped(line: str, columns: int) -> str:
    if len(line) <= columns:
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.fill(
        line,
        max(columns, 2 * len(indent)),
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )
