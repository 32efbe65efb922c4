"""``ctrgcn ensemble``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ctrgcn_plugin import terminal
from ctrgcn_plugin.cli.command import Command


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scores", nargs="+", metavar="FILE.npz", help="one for each stream, of the same clips")
    parser.add_argument("--weights", type=float, nargs="+", metavar="W", help="one for each file (default: 1 each)")
    parser.add_argument("--raw", action="store_true", help="sum scores before softmax, as CTR-GCN's own script")
    parser.add_argument("--json", action="store_true", help="the same for programs")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.npz", help="save the fused scores")


def _run(options: argparse.Namespace) -> int:
    from ctrgcn_plugin import ensemble

    fused = ensemble.fuse(options.scores, options.weights, raw=options.raw)
    if options.output:
        fused.save(options.output)
    if options.json:
        terminal.hand_over(fused.as_json())
    else:
        terminal.say("\n".join(fused.lines()))
    return 0


COMMAND = Command(
    "ensemble",
    "fuse the scores that several streams' tests have saved",
    _arguments,
    _run,
    "ctrgcn ensemble scores.npz scores.npz --weights 0.6 0.4",
    "METRIC.scores in a config, or -o METRIC.scores=FILE.npz, makes main.py --test save them.",
)
