"""``ctrgcn report``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ctrgcn_plugin import terminal
from ctrgcn_plugin.cli.command import Command

OUTPUT = Path("report.html")


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("scores", nargs="?", type=Path, metavar="SCORES.npz", help="of a test (default: the config's METRIC.scores)")
    add("-c", "--config", help="of the test; what is not named below is looked for where it says")
    add("--data", type=Path, metavar="DIR", help="prepared data of the test (default: the config's)")
    add("--run", type=Path, metavar="DIR", help="the training's output (default: output/MODEL_NAME)")
    add("-m", "--model", type=Path, metavar="MODEL", help="exported, its folder or file (default: in inference)")
    add("--benchmark", type=Path, metavar="FILE.json", help="what ctrgcn benchmark --json has written")
    add("--layout", metavar="NAME|FILE.yaml", help="of the skeletons (default: what the data's card says)")
    add("--names", metavar="SET|FILE", help="of the classes: ntu60, nw_ucla, ... or a .txt (default: the scores')")
    add(
        "-o",
        "--output",
        type=Path,
        action="append",
        metavar="FILE|DIR",
        help=f".html, .json or .md; a folder gets all three; may be repeated (default: {OUTPUT})",
    )


def _run(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.report import document, material, writing

    files = writing.targets(options.output or [OUTPUT])
    asked = material.Asked(
        scores=options.scores,
        config=options.config,
        data=options.data,
        run=options.run,
        model=options.model,
        benchmark=options.benchmark,
        layout=options.layout,
        names=options.names,
    )
    report = document.make(material.gather(asked))
    writing.write(report, files)
    terminal.say(report.summary)
    for sentence in report.left_out:
        terminal.note(f"left out: {sentence}")
    for file in files:
        terminal.say(str(file))
    return 0


COMMAND = Command(
    "report",
    "make a page of a test: accuracy, confusions, curves, model",
    _arguments,
    _run,
    "ctrgcn report -c quickstart.yaml -o report.html",
    "The HTML file needs no other file, and no network.",
)
