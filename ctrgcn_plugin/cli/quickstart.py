"""``ctrgcn quickstart``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ctrgcn_plugin.cli.command import Command


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dir", type=Path, default=Path("quickstart"), help="work folder (default: %(default)s)")
    parser.add_argument("--paddlevideo", type=Path, help="your own PaddleVideo folder (default: PyPI's, unpacked)")
    parser.add_argument("--seed", type=int, default=1234)
    parser.add_argument("--epochs", type=int, help="passes over the training clips")


def _run(options: argparse.Namespace) -> int:
    from ctrgcn_plugin import quickstart

    quickstart.run(options.dir, options.paddlevideo, options.seed, options.epochs)
    return 0


COMMAND = Command(
    "quickstart",
    "make data, train, test, export, predict, report: once, here",
    _arguments,
    _run,
    "ctrgcn quickstart --dir quickstart --epochs 7",
    "Every command that it runs is shown, ready to paste. It takes about four minutes on two CPU cores.",
)
