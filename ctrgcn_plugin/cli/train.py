"""``ctrgcn train``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ctrgcn_plugin.cli.command import Command
from ctrgcn_plugin.errors import UserError

# options of a new training, which one that is done again has in its record
OF_A_NEW_ONE = {"seed": "--seed", "no_validate": "--no-validate", "resume": "--resume", "more": "-- ..."}


def _arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("-c", "--config", help="file, or name of a shipped one")
    what.add_argument("--reproduce", type=Path, metavar="DIR", help="output of a training, to do again and compare")
    add = parser.add_argument
    add("-o", "--override", action="append", default=[], metavar="KEY=VALUE", help="of the config; may be repeated")
    add("--seed", type=int, help="of all random generators (default: 1234)")
    add("--weights", metavar="FILE", help="to begin with")
    add("--no-validate", action="store_true", help="do not validate, and choose no best checkpoint")
    add(
        "--resume", action="store_true", help="go on where the training stopped; from the beginning if it did not begin"
    )
    add("--paddlevideo", type=Path, metavar="DIR", help="PaddleVideo's folder (default: see ctrgcn upstream)")
    add("more", nargs="*", metavar="-- ...", help="main.py's own arguments, as in: -- --amp")


def _run(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.upstream import training

    if options.reproduce:
        given = [flag for name, flag in OF_A_NEW_ONE.items() if getattr(options, name) not in (None, False, [])]
        if given:
            raise UserError(
                f"--reproduce trains with what {options.reproduce} has recorded; leave out {', '.join(given)}"
            )
        same = training.again(options.reproduce, options.override, options.weights, options.paddlevideo)
        return 0 if same else 1
    asked = training.Asked(
        config=options.config,
        overrides=options.override,
        seed=training.SEED if options.seed is None else options.seed,
        weights=options.weights,
        validate=not options.no_validate,
        more=options.more,
    )
    training.train(asked, options.resume, options.paddlevideo)
    return 0


COMMAND = Command(
    "train",
    "train with PaddleVideo's main.py, go on, or do it again",
    _arguments,
    _run,
    "ctrgcn train --reproduce output/CTRGCN_lightV2_quickstart",
    "As python main.py does, but it validates, replaces no training, and says what to run next. With --reproduce the"
    " exit status is 0 if the curves are the same to the bit, and 1 if not.",
)
