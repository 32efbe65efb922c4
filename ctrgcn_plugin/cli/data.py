"""``ctrgcn data``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ctrgcn_plugin import terminal
from ctrgcn_plugin.cli.command import Command


def _arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="report what would spoil a training")
    check.add_argument("dir", type=Path, help="prepared data: a folder with train_data.npy, or with such folders")
    check.add_argument("--layout", metavar="NAME|FILE.yaml", help="default: what prepare has noted, else by the shape")
    check.add_argument("--json", action="store_true", help="the same for programs")
    check.add_argument(
        "--fix", type=Path, metavar="OUT_DIR", help="write them there with gaps filled and hopeless clips left out"
    )


def _run(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.data import check

    report = check.check(options.dir, layout=options.layout, fixed=options.fix)
    if options.json:
        terminal.hand_over(report.as_json())
    else:
        terminal.say("\n".join(report.lines()))
    return 1 if report.problems else 0


COMMAND = Command(
    "data",
    "check prepared data before training on them",
    _arguments,
    _run,
    "ctrgcn data check data",
    "The status is 1 if something would spoil a training.",
)
