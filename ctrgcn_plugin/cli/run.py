"""``ctrgcn run``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ctrgcn_plugin.cli.command import Command


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("script", type=Path, help="main.py, tools/export_model.py, ...")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="the script's own arguments")


def _run(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.upstream import running

    running.run_here(options.script, options.arguments)
    return 0


COMMAND = Command(
    "run",
    "run a script of PaddleVideo where start-up hooks do not",
    _arguments,
    _run,
    "ctrgcn run ppvideo-2.3.1/ppvideo/main.py --test -c quickstart.yaml"
    " -w output/CTRGCN_lightV2_quickstart/CTRGCN_lightV2_quickstart_best.pdparams",
    "Otherwise python main.py is enough: the plugin is loaded when PaddleVideo is imported.",
)
