"""Fonts for texts of a user's own, which may be in Chinese, Japanese or Korean."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from ctrgcn_plugin import terminal
from ctrgcn_plugin.environment import require_library

# matplotlib's own, and for what it has not
OWN = "DejaVu Sans"
EASTERN = ("Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Zen Hei", "Microsoft YaHei", "PingFang SC")
SHOWN = 8  # letters


def families(text: str) -> list[str]:
    """What matplotlib needs to be told as `family` to show `text`; a note says which letters it still cannot."""
    manager = require_library("matplotlib.font_manager", "plot", "drawing")
    fonts, missing = [OWN], _missing(manager, OWN, text)
    there = set(manager.fontManager.get_font_names()) if missing else ()
    for font in (font for font in EASTERN if font in there):
        fonts.append(font)
        missing = [letter for letter in missing if letter in _missing(manager, font, text)]
    if missing:
        terminal.note(
            f"no font for {''.join(missing[:SHOWN])} in a picture; install one, such as {EASTERN[0]}. "
            "Pages (.html) show what the browser has fonts for"
        )
    return fonts


@contextmanager
def quiet() -> Iterator[None]:
    """Without matplotlib's warnings of letters that no font has: that was said once."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        yield


def _missing(manager: ModuleType, font: str, text: str) -> list[str]:
    """The letters of a text that a font has not."""
    letters = manager.get_font(manager.findfont(font))
    return [
        letter for letter in dict.fromkeys(text) if not letter.isspace() and not letters.get_char_index(ord(letter))
    ]
