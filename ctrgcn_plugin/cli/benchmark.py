"""``ctrgcn benchmark``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ctrgcn_plugin.cli.command import Command


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("models", nargs="+", metavar="MODEL", help="[NAME=] model file or its folder; foreign ones, too")
    add(
        "--setting",
        nargs="+",
        default=[],
        metavar="ENGINE/HOW",
        help="default: all that are right for a model, or take its format where it has no card",
    )
    add("--threads", type=int, nargs="+", default=[1], metavar="N", help="of the CPU (default: 1)")
    add("--batch", type=int, nargs="+", default=[1], metavar="N", help="clips in a run (default: 1)")
    add("--persons", type=int, nargs="+", default=[], metavar="N", help="in a clip (default: all)")
    add("--rounds", type=int, default=20, help="timed runs of each case (default: %(default)s)")
    add("--baseline", default="", metavar="CASE", help="to compare with, or how its name begins")
    add("--reference", default="", metavar="MODEL", help="with a card, has the weights of foreign ones")
    add("--accuracy", nargs="+", default=[], metavar="NAME=PERCENT", help="of the models; the plot shows it, not size")
    add("--csv", type=Path, metavar="FILE", help="write the table there, too")
    add("--json", type=Path, metavar="FILE", help="with all times, the machine and the versions")
    add("--plot", type=Path, metavar="FILE.png")


def _run(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.benchmark import measuring
    from ctrgcn_plugin.benchmark.plan import Plan

    plan = Plan(
        options.models,
        settings=options.setting,
        threads=options.threads,
        batches=options.batch,
        persons=options.persons,
        rounds=options.rounds,
        baseline=options.baseline,
        reference=options.reference,
        accuracy=options.accuracy,
    )
    return measuring.run(plan, measuring.Outputs(options.csv, options.json, options.plot))


COMMAND = Command(
    "benchmark",
    "time exported models against each other, in any engine",
    _arguments,
    _run,
    "ctrgcn benchmark inference --rounds 5 --json latency.json",
)
