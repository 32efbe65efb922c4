"""``ctrgcn completion``."""

from __future__ import annotations

import argparse

from ctrgcn_plugin import terminal
from ctrgcn_plugin.cli.command import Command

SHELLS = ("bash", "zsh", "tcsh")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS)


def _run(options: argparse.Namespace) -> int:
    from ctrgcn_plugin import cli
    from ctrgcn_plugin.environment import require_library

    shtab = require_library("shtab", "completion", "completion in a shell")
    terminal.hand_over(shtab.complete(cli.parser(), shell=options.shell))
    return 0


COMMAND = Command(
    "completion",
    "print a script that completes ctrgcn's commands in a shell",
    _arguments,
    _run,
    "ctrgcn completion bash > ctrgcn.bash && source ctrgcn.bash",
    "For good: ctrgcn completion bash > ~/.local/share/bash-completion/completions/ctrgcn",
)
