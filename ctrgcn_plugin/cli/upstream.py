"""``ctrgcn upstream``."""

from __future__ import annotations

import argparse

from ctrgcn_plugin import terminal
from ctrgcn_plugin.cli.command import Command


def _arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    get = actions.add_parser("get", help="put one into the user's cache")
    get.add_argument("--from", dest="source", metavar="GIT_URL_OR_DIR", help="default: upstream's address, else PyPI")
    get.add_argument("--ref", default=None, help="commit, branch or tag (default: the one all tests are made with)")
    actions.add_parser("where", help="print the folder of the one that is used")


def _run(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.upstream import fetch, locate

    if options.action == "where":
        terminal.hand_over(str(locate.find().root))
    else:
        terminal.hand_over(str(fetch.get(options.source, options.ref or fetch.REF).root))
    return 0


COMMAND = Command(
    "upstream",
    "get a stock PaddleVideo, or say which one is used",
    _arguments,
    _run,
    "ctrgcn upstream get\nctrgcn upstream where",
)
