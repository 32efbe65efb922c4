"""``ctrgcn prepare``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ctrgcn_plugin import terminal
from ctrgcn_plugin.cli.command import Command
from ctrgcn_plugin.data.prepare.formats import FORMATS


def _arguments(parser: argparse.ArgumentParser) -> None:
    formats = parser.add_subparsers(metavar="FORMAT", required=True)
    for name, format_ in FORMATS.items():
        sub = formats.add_parser(name, help=format_.text, description=f"Prepare {format_.text}.")
        sub.set_defaults(format=name)
        sub.add_argument("raw", type=Path, metavar="RAW", help=format_.raw)
        sub.add_argument("out", type=Path, metavar="OUT_DIR", help="gets a folder for each protocol, and report.csv")
        own = [sub.add_argument(option.flag, **option.settings).dest for option in format_.options]
        sub.set_defaults(own=own)
        sub.add_argument("--workers", type=int, help="processes (default: as many as there are cores)")


def _run(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.data.prepare import run

    source = FORMATS[options.format].source(options.raw, {name: getattr(options, name) for name in options.own})
    outcome = run.prepare(source, options.out, workers=options.workers)
    terminal.say("\n".join(outcome.lines()))
    return 0


COMMAND = Command(
    "prepare",
    "turn raw skeleton files into what SkeletonDataset reads",
    _arguments,
    _run,
    "ctrgcn prepare plain clips data/own --labels clips/labels.csv --layout ntu_rgb_d",
)
