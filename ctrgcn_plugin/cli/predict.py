"""``ctrgcn predict``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ctrgcn_plugin import terminal
from ctrgcn_plugin.cli.command import Command

if TYPE_CHECKING:
    from ctrgcn_plugin.data.footage import Footage, Needs
    from ctrgcn_plugin.deploy.predictor import Predictor
    from ctrgcn_plugin.deploy.timeline import Timeline

FORMATS = ("openpose", "coco", "mediapipe", "ultralytics", "plain")
ESTIMATORS = ("mediapipe",)
FASTEST = 1000.0  # frames a second
LONG = 20.0  # seconds; of what is longer, one answer says little


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
        default=Path("timeline"),
        metavar="FOLDER",
        help="gets a .csv and a .png of each (default: %(default)s)",
    )


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
    from ctrgcn_plugin.data import class_names
    from ctrgcn_plugin.deploy.predictor import Predictor
    from ctrgcn_plugin.errors import ConfigError

    if not options.input and not options.video:
        raise ConfigError("nothing to predict: give clips with --input, or videos with --video")
    if options.stride and not options.window:
        raise ConfigError("--stride needs a --window")
    clips = _clips(options)
    predictor = Predictor(options.model, engine=options.engine, threads=options.threads)
    names = class_names.read(options.names, predictor.card.classes) if options.names else predictor.card.names
    footage = _footage(options, clips, _needs(predictor, options))
    if options.window:
        return _timelines(options, predictor, footage, names)
    answers = predictor.stream(footage, batch_size=options.batch_size)
    # where the answers are read as they come, they say themselves how it goes
    shown = sys.stdout.isatty()
    total = len(clips) + len(options.video)
    for prediction in answers if shown else terminal.progress(answers, total, "clip"):
        top = [(class_names.label(names, index), index, share) for index, share in prediction.top(options.top_k)]
        if options.json:
            ranks = [{"class": index, "name": name, "probability": round(share, 6)} for name, index, share in top]
            terminal.hand_over(json.dumps({"clip": prediction.source, "top": ranks}, ensure_ascii=False))
        else:
            terminal.say(prediction.source)
            terminal.say("\n".join(terminal.ranking((f"    {name}", share) for name, _, share in top)))
    return 0


def _clips(options: argparse.Namespace) -> list[Path]:
    """The clips that --input names; with --keypoints each input is one."""
    from ctrgcn_plugin.data.clips import clip_files

    return [Path(path) for path in options.input] if options.keypoints else clip_files(options.input)


def _needs(predictor: Predictor, options: argparse.Namespace) -> Needs:
    from dataclasses import replace

    return replace(predictor.needs, layout=options.layout) if options.layout else predictor.needs


def _footage(options: argparse.Namespace, clips: Sequence[Path], needs: Needs) -> Iterator[Footage]:
    """What is to be answered, opened one after the other."""
    from ctrgcn_plugin import pose
    from ctrgcn_plugin.data.clips import opened

    for clip in clips:
        yield opened(clip, needs, form=options.keypoints, image_size=options.image_size)
    if not options.video:
        return
    estimator = pose.get(
        options.pose, python=options.pose_python, model=options.pose_model, persons=needs.clip_shape[2]
    )
    for video in options.video:
        keep = options.save_keypoints / f"{video.stem}.json" if options.save_keypoints else None
        seen = pose.footage(estimator, video, needs, keep)
        if not options.window and seen.rate and seen.frames / seen.rate > LONG:
            terminal.note(f"{video} is {seen.frames / seen.rate:.0f} s long; --window 3s answers it part by part")
        yield seen


def _timelines(
    options: argparse.Namespace, predictor: Predictor, footage: Iterator[Footage], names: Sequence[str]
) -> int:
    from ctrgcn_plugin.deploy import timeline, windows
    from ctrgcn_plugin.errors import ConfigError

    written: dict[str, str] = {}
    for one in footage:
        stem = Path(one.source).stem
        if stem in written:
            raise ConfigError(f"{written[stem]} and {one.source} would both be {stem}.csv; answer them one by one")
        written[stem] = one.source
        rate = options.fps or one.rate
        length = windows.frames_of(options.window, rate)
        stride = windows.frames_of(options.stride, rate) if options.stride else max(1, length // 2)
        parts = terminal.progress(windows.cut(one.frames, length, stride), unit="window", text=stem)
        answers = timeline.watch(predictor, one, parts, names=names, rate=rate, batch_size=options.batch_size)
        _show(answers, options.json)
        _write(answers, options.output_path / stem)
    return 0


def _show(answers: Timeline, as_json: bool) -> None:
    from ctrgcn_plugin.data.class_names import label

    missing = sum(scores is None for _, scores in answers.answers)
    if missing:
        terminal.note(f"{missing} of {len(answers.answers)} windows without an answer; the first: {answers.unanswered}")
    rows = []
    for segment in answers.segments():
        name, share = label(answers.names, segment.action), float(segment.scores.max())
        frames = [segment.start, segment.stop]
        seconds = [round(frame / answers.rate, 3) for frame in frames] if answers.rate else None
        if as_json:
            answer = {"class": segment.action, "name": name, "probability": round(share, 6)}
            line = {"clip": answers.source, "frames": frames, "seconds": seconds, **answer}
            terminal.hand_over(json.dumps(line, ensure_ascii=False))
        else:
            span = "{:.1f} to {:.1f} s".format(*seconds) if seconds else "frames {} to {}".format(*frames)
            rows.append([f"    {span}", name, f"{share:7.2%}", terminal.bar(share)])
    if rows:
        terminal.say(answers.source)
        terminal.say("\n".join(terminal.table([""] * 4, rows, right=False)[1:]))


def _write(answers: Timeline, stem: Path) -> None:
    from ctrgcn_plugin.drawing import timeline as picture
    from ctrgcn_plugin.errors import EnvironmentSetupError
    from ctrgcn_plugin.files import replacing

    table, drawing = (stem.with_name(stem.name + suffix) for suffix in (".csv", ".png"))
    with replacing(table) as file:
        file.write(answers.csv().encode())
    terminal.note(f"as a table: {table}")
    try:
        with replacing(drawing) as file:
            picture.draw(answers, file)
        terminal.note(f"as a picture: {drawing}")
    except EnvironmentSetupError as error:
        terminal.note(f"no picture: {error}")


COMMAND = Command(
    "predict",
    "predict the actions of clips or videos with an exported model",
    _arguments,
    _run,
    "ctrgcn predict -m inference -i clip.npy -k 3\nctrgcn predict -m inference -i clip.npy --window 16",
)
