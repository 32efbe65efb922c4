"""``ctrgcn configs``."""

from __future__ import annotations

import argparse

from ctrgcn_plugin import terminal
from ctrgcn_plugin.cli.command import Command, no_arguments


def _run(_: argparse.Namespace) -> int:
    from ctrgcn_plugin import configs

    terminal.hand_over("\n".join(configs.shipped()))
    return 0


COMMAND = Command("configs", "list the configs that the plugin ships", no_arguments, _run, "ctrgcn configs")
