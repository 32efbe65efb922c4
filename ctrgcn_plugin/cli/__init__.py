"""The command ``ctrgcn``. Each subcommand is a thin call into the package; nothing heavy is imported to show help."""

from __future__ import annotations

import argparse
import logging
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Any, Optional

from ctrgcn_plugin import __version__, terminal
from ctrgcn_plugin.cli import (
    benchmark,
    completion,
    configs,
    configure,
    convert,
    data,
    doctor,
    ensemble,
    export,
    patch,
    predict,
    prepare,
    quickstart,
    report,
    run,
    tipc,
    train,
    upstream,
    visualize,
)
from ctrgcn_plugin.cli.command import Command
from ctrgcn_plugin.errors import UserError
from ctrgcn_plugin.terminal import Level

# in the order in which a person needs them
COMMANDS: tuple[Command, ...] = tuple(
    module.COMMAND
    for module in (
        quickstart,
        doctor,
        upstream,
        configs,
        prepare,
        data,
        configure,
        train,
        run,
        visualize,
        ensemble,
        report,
        convert,
        export,
        predict,
        benchmark,
        tipc,
        patch,
        completion,
    )
)
LEVELS = (
    (("-q", "--quiet"), Level.QUIET, "no progress, only results and errors"),
    (("-v", "--verbose"), Level.VERBOSE, "more about how it goes, and where an error comes from"),
)
EXAMPLE = "example, in the folder that ctrgcn quickstart leaves:\n"
INTERRUPTED = 130  # as shells have it for SIGINT


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run one command line; the exit status."""
    options = parser().parse_args(arguments)
    terminal.set_level(options.level)
    logging.getLogger("ctrgcn_plugin").setLevel(logging.INFO if options.level == Level.VERBOSE else logging.WARNING)
    # Paddle warns so at every start; it concerns those who compile operators
    warnings.filterwarnings("ignore", message="No ccache found")
    try:
        return options.command.run(options)
    except UserError as error:
        terminal.detail(traceback.format_exc())
        terminal.complain(error)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # whoever read our output has seen enough
        sys.stderr.close()
        return 0


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        "ctrgcn",
        description="Lightweight CTR-GCN models for stock PaddleVideo.",
        epilog="ctrgcn COMMAND -h shows a command's options and an example.",
        formatter_class=_Help,
    )
    top.add_argument("--version", action="version", version=f"ctrgcn-plugin {__version__}")
    top.set_defaults(level=Level.NORMAL)
    commands = top.add_subparsers(
        title="commands, in the order in which they are needed", metavar="COMMAND", required=True, parser_class=_Parser
    )
    for command in COMMANDS:
        sub = commands.add_parser(
            command.name, help=command.text, description=_sentence(command), epilog=_example(command)
        )
        sub.set_defaults(command=command)
        command.arguments(sub)
    return top


class _Help(argparse.HelpFormatter):
    """A line for each command, where there are 80 columns; the lines of an example as they are."""

    def __init__(self, prog: str, **more: Any) -> None:
        super().__init__(prog, max_help_position=18, **more)

    def _format_action(self, action: argparse.Action) -> str:
        if isinstance(action, argparse._SubParsersAction):
            # as a list of their own; argparse would indent them by more than it has reckoned with
            return "".join(map(self._format_action, action._get_subactions()))
        return super()._format_action(action)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith(EXAMPLE) else super()._fill_text(text, width, indent)


class _Parser(argparse.ArgumentParser):
    """A command's, and those of its own subcommands: with what all commands understand."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"formatter_class": _Help, **settings})
        said = self.add_argument_group("messages").add_mutually_exclusive_group()
        for flags, level, text in LEVELS:
            # a default here would undo what was said before a subcommand
            said.add_argument(
                *flags, dest="level", action="store_const", const=level, default=argparse.SUPPRESS, help=text
            )


def _example(command: Command) -> str:
    return EXAMPLE + "\n".join(f"  {line}" for line in command.example.splitlines())


def _sentence(command: Command) -> str:
    return f"{command.text[0].upper()}{command.text[1:]}. {command.more}".rstrip()
