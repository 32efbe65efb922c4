"""``ctrgcn predict``."""

from __future__ import annotations

import argparse
import json

from ctrgcn_plugin import terminal
from ctrgcn_plugin.cli.command import Command


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-m", "--model", required=True, help="folder of an exported model, or its model file")
    add("-i", "--input", nargs="+", required=True, help="clips (.npy, .skeleton), folders or lists (.txt) of them")
    add(
        "-e",
        "--engine",
        default="auto",
        choices=("auto", "paddle", "paddle-openvino", "onnxruntime"),
        help="default: the fastest one here that is right",
    )
    add("-t", "--threads", type=int, default=1, help="of the CPU, for one run (default: %(default)s)")
    add("-k", "--top_k", type=int, default=5)
    add("-b", "--batch_size", type=int, default=1)
    add("--names", metavar="SET|FILE", help="of the classes: ntu60, ..., or a .txt (default: those in the model)")
    add("--json", action="store_true", help="one JSON object a line")


def _run(options: argparse.Namespace) -> int:
    from ctrgcn_plugin.data import class_names
    from ctrgcn_plugin.data.clips import clip_files
    from ctrgcn_plugin.deploy.predictor import Predictor

    clips = clip_files(options.input)
    predictor = Predictor(options.model, engine=options.engine, threads=options.threads)
    names = class_names.read(options.names, predictor.card.classes) if options.names else predictor.card.names
    for prediction in predictor.stream(clips, batch_size=options.batch_size):
        top = [(class_names.label(names, index), index, share) for index, share in prediction.top(options.top_k)]
        if options.json:
            answers = [{"class": index, "name": name, "probability": round(share, 6)} for name, index, share in top]
            terminal.say(json.dumps({"clip": prediction.source, "top": answers}, ensure_ascii=False))
        else:
            terminal.say(prediction.source)
            rows = [[f"    {name}", f"{share:7.2%}", terminal.bar(share)] for name, _, share in top]
            terminal.say("\n".join(terminal.table(["", "", ""], rows, right=False)[1:]))
    return 0


COMMAND = Command(
    "predict",
    "predict the actions of clips with an exported model",
    _arguments,
    _run,
    "ctrgcn predict -m inference -i clip.npy -k 3",
)
