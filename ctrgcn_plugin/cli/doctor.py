"""``ctrgcn doctor``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ctrgcn_plugin import terminal
from ctrgcn_plugin.cli.command import Command


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dir", nargs="?", type=Path, help="PaddleVideo folder (default: the one that is used)")
    parser.add_argument("--json", action="store_true", help="the same for programs")


def _run(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.upstream import doctor, locate

    report = doctor.examine(locate.find(options.dir))
    if options.json:
        terminal.hand_over(doctor.as_json(report))
    else:
        terminal.say("\n".join(doctor.lines(report)))
    return 1 if report.problems else 0


COMMAND = Command(
    "doctor",
    "say what a run meets here, and what would spoil it",
    _arguments,
    _run,
    "ctrgcn doctor ppvideo-2.3.1/ppvideo",
    "The status is 1 if something would spoil a run.",
)
