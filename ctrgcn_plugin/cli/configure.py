"""``ctrgcn configure``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ctrgcn_plugin import terminal
from ctrgcn_plugin.cli.command import Command, positive
from ctrgcn_plugin.resources import RECIPE


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", type=Path, help="folder that prepare has written")
    parser.add_argument("output", type=Path, metavar="CONFIG.yaml", help="config to write")
    parser.add_argument("-c", "--config", default=RECIPE, help="recipe (default: %(default)s)")
    parser.add_argument("--protocol", default="", help="of the data (default: its only one)")
    parser.add_argument("--stream", default="joint", help="joint, bone, motion or bone_motion (default: %(default)s)")
    parser.add_argument("--width", type=positive, metavar="N", help="base_channel (default: the recipe's)")
    parser.add_argument("--epochs", type=positive, metavar="N", help="over the clips (default: the recipe's)")


def _run(options: argparse.Namespace) -> int:
    from ctrgcn_plugin import fitting

    config, header = fitting.fit(
        options.config, options.data, options.protocol, options.stream, options.width, options.epochs
    )
    fitting.write(config, header, options.output)
    terminal.say(f"{options.output}: {config['model_name']}; train with: python main.py --validate -c {options.output}")
    return 0


COMMAND = Command(
    "configure",
    "write a config that trains a shipped recipe on such data",
    _arguments,
    _run,
    "ctrgcn configure data own.yaml --epochs 5",
)
