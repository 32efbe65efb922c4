"""``ctrgcn tipc``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ctrgcn_plugin import terminal
from ctrgcn_plugin.cli.command import Command


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("models", nargs="*", metavar="MODEL", help="one or more, or all; without any, they are listed")
    add("--chain", nargs="+", default=["train_infer_python"], metavar="NAME", help="default: %(default)s")
    add("--config", type=Path, metavar="FILE.txt", help="a TIPC config of your own instead of a model's")
    add("--mode", default="", help="lite_train_lite_infer, whole_infer, ... (default: the chain's first)")
    add("--paddlevideo", type=Path, help="git checkout of PaddleVideo (default: the one that is used)")
    add("--weights", type=Path, help="for a chain that trains nothing (default: fixed, untrained ones)")
    add("--tolerance", type=float, default=1e-3, help="of scores, relative above 1 (default: %(default)s)")
    add("--junit", type=Path, metavar="FILE.xml", help="default: in PaddleVideo's test_tipc/output")
    add("--prepare", action="store_true", help="place configs, data and weights, and run nothing")


def _run(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.tipc import session

    if not options.models and not options.config:
        terminal.say("\n".join(session.listing(options.paddlevideo)))
        return 0
    return session.run(
        session.Request(
            models=options.models,
            chains=options.chain,
            config=options.config,
            mode=options.mode,
            paddlevideo=options.paddlevideo,
            weights=options.weights,
            tolerance=options.tolerance,
            junit=options.junit,
            only_prepare=options.prepare,
        )
    )


COMMAND = Command(
    "tipc",
    "run upstream's train-infer-python chain, judged by numbers",
    _arguments,
    _run,
    "ctrgcn tipc",
    "The chain itself needs a git checkout, which ctrgcn upstream get brings: then ctrgcn tipc CTRGCN_light.",
)
