"""``ctrgcn predict``."""

from __future__ import annotations

import argparse
from pathlib import Path

from ctrgcn_plugin.cli.command import Command

FORMATS = ("openpose", "coco", "mediapipe", "ultralytics", "plain")
ESTIMATORS = ("mediapipe",)
FASTEST = 1000.0  # frames a second


def _arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-m", "--model", required=True, help="folder of an exported model, or its model file")
    add(
        "-i",
        "--input",
        nargs="+",
        default=[],
        help="clips (.npy, .skeleton, FILE.npy#ROW of prepared data, keypoints as .json or as a folder of frames), "
        "folders or lists (.txt) of them",
    )
    add("--video", nargs="+", type=Path, default=[], metavar="FILE", help="videos, whose skeletons --pose finds")
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
    add("--layout", metavar="FILE.yaml", help="skeleton of the model, where it does not say a shipped one")
    add("--json", action="store_true", help="one JSON object a line")

    add = parser.add_argument_group("keypoints as input").add_argument
    add("--keypoints", choices=FORMATS, help="their format (default: by what is in the files)")
    add("--image_size", metavar="WxH", help="of the picture, for keypoints that are shares of it, as 1920x1080")
    add("--fps", type=_rate, default=0.0, help="frames a second (default: as the clip says)")

    add = parser.add_argument_group("videos as input").add_argument
    add("--pose", default="mediapipe", choices=ESTIMATORS, help="what finds skeletons (default: %(default)s)")
    add("--pose_python", default="", metavar="PYTHON", help="the Python that has it (default: this one)")
    add("--pose_model", type=Path, metavar="FILE", help="its weights (default: those that it comes with)")
    add("--save_keypoints", type=Path, metavar="FOLDER", help="keep what it found, to give as --input later")

    add = parser.add_argument_group("actions over time").add_argument
    add("--window", metavar="LENGTH", help="answer for each so long part: frames, like 64, or seconds, like 2.5s")
    add("--stride", metavar="LENGTH", help="from one part to the next (default: half a window)")
    add(
        "-o",
        "--output_path",
        type=Path,
        metavar="PATH",
        help="folder that gets a .csv and a .png of each (default: timeline); with --ray the .parquet file of the "
        "answers (default: predictions.parquet)",
    )

    add = parser.add_argument_group("any number of clips, on any number of machines").add_argument
    add(
        "--ray",
        nargs="?",
        const="local",
        metavar="ADDRESS",
        help="answer on a Ray cluster, host:port or auto, else on this machine's cores; bad clips are named, and the "
        "others answered",
    )
    add("--actors", type=int, metavar="N", help="processes with the model (default: as many as there are CPUs for)")


def _rate(text: str) -> float:
    """The type of a number of frames a second."""
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < FASTEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of frames a second")
    return rate


def _run(options: argparse.Namespace) -> int:
    from ctrgcn_plugin import answering

    answering.run(
        answering.Request(
            model=options.model,
            inputs=options.input,
            videos=options.video,
            engine=options.engine,
            threads=options.threads,
            batch_size=options.batch_size,
            top_k=options.top_k,
            names=options.names,
            layout=options.layout,
            as_json=options.json,
            keypoints=options.keypoints,
            image_size=options.image_size,
            rate=options.fps,
            pose=options.pose,
            pose_python=options.pose_python,
            pose_model=options.pose_model,
            kept=options.save_keypoints,
            window=options.window,
            stride=options.stride,
            output=options.output_path,
            ray=options.ray,
            actors=options.actors,
        )
    )
    return 0


COMMAND = Command(
    "predict",
    "predict the actions of clips or videos with an exported model",
    _arguments,
    _run,
    "ctrgcn predict -m inference -i clip.npy -k 3\nctrgcn predict -m inference -i clip.npy --window 16",
)
