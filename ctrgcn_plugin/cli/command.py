"""What a subcommand of ``ctrgcn`` is."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One subcommand.

    Attributes:
        name: what a user writes.
        text: what it is for, short enough for one line of ``ctrgcn --help``.
        arguments: adds its own to a parser; imports nothing heavy, it is called to show help.
        run: does it, and returns the exit status.
        example: lines that work as pasted in the folder that ``ctrgcn quickstart`` leaves, after it.
        more: what the help says beyond `text`.
    """

    name: str
    text: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    example: str
    more: str = ""


def no_arguments(_: argparse.ArgumentParser) -> None:
    """For a command that takes none."""


def positive(text: str) -> int:
    """The type of an argument that counts something."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)
