"""``ctrgcn patch``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ctrgcn_plugin import terminal
from ctrgcn_plugin.cli.command import Command


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "dir", type=Path, help="PaddleVideo folder: a git checkout without changes, or PyPI's distribution"
    )
    parser.add_argument("names", nargs="*", metavar="PATCH", help="number or name (default: all that fit)")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--undo", action="store_true", help="take them back")
    instead.add_argument("--list", action="store_true", help="say which are in place, and which fit")


def _run(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.upstream import locate, patches

    root = locate.find(options.dir).root
    if options.list:
        for patch, state in patches.states(root, options.names):
            terminal.say(f"{state:14} {patch}  {patch.subject}")
        return 0
    if options.undo:
        for patch in patches.take_back(root, options.names):
            terminal.say(f"taken back  {patch}")
        return 0
    outcome = patches.apply(root, options.names)
    for patch in outcome.fits:
        terminal.say(f"applied  {patch}  {patch.subject}")
    for patch, reason in outcome.others.items():
        terminal.say(f"does not fit  {patch}: {reason}")
    return 0


COMMAND = Command(
    "patch",
    "put the patches for upstream's faults in, or take them out",
    _arguments,
    _run,
    "ctrgcn patch ppvideo-2.3.1/ppvideo --list",
)
