"""What ``ctrgcn predict`` does: clips, keypoints and videos in, answers with names or time lines of them out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Optional

from ctrgcn_plugin import pose, terminal
from ctrgcn_plugin.data import class_names
from ctrgcn_plugin.data.clips import clip_files, opened
from ctrgcn_plugin.data.footage import Footage, Needs
from ctrgcn_plugin.deploy import selection, timeline, windows
from ctrgcn_plugin.deploy.card import Card
from ctrgcn_plugin.deploy.engines import AUTO
from ctrgcn_plugin.deploy.predictor import Prediction, Predictor, Refused
from ctrgcn_plugin.deploy.timeline import Timeline
from ctrgcn_plugin.errors import ClipError, ConfigError, EnvironmentSetupError, one_line
from ctrgcn_plugin.files import replacing

LONG = 20.0  # seconds; of what is longer, one answer says little
DIGITS = 6  # of a probability
TIMELINES, ANSWERS = Path("timeline"), Path("predictions.parquet")
NAMED = 50  # bad clips; Parquet has them all


@dataclass(frozen=True)
class Request:
    """What is asked.

    Attributes:
        model: folder of an exported model, or its file.
        inputs: clips, see :func:`~ctrgcn_plugin.data.clips.clip_files`; with `keypoints` each is one.
        engine, threads: see :class:`~ctrgcn_plugin.deploy.predictor.Predictor`.
        names: of the classes, see :func:`~ctrgcn_plugin.data.class_names.read`; by default the model's.
        layout: of the model, where it does not say a shipped one.
        as_json: a JSON object a line, for programs.
        keypoints, image_size: of the inputs, see :func:`~ctrgcn_plugin.data.clips.opened`.
        rate: frames a second; 0 for what each clip says.
        pose, pose_python, pose_model: what finds skeletons in videos, see :func:`ctrgcn_plugin.pose.get`.
        kept: folder for the keypoints that it finds.
        window, stride: as the user writes them, see :func:`~ctrgcn_plugin.deploy.windows.frames_of`; no window for
            one answer to each clip.
        output: folder for time lines, by default :data:`TIMELINES`; with `ray` the file, by default :data:`ANSWERS`.
        ray, actors: a cluster that answers in the place of this process, see
            :func:`~ctrgcn_plugin.deploy.ray.cluster.joined`.
    """

    model: str
    inputs: Sequence[str] = ()
    videos: Sequence[Path] = ()
    engine: str = AUTO
    threads: int = 1
    batch_size: int = 1
    top_k: int = 5
    names: Optional[str] = None
    layout: Optional[str] = None
    as_json: bool = False
    keypoints: Optional[str] = None
    image_size: Optional[str] = None
    rate: float = 0.0
    pose: str = pose.DEFAULT
    pose_python: str = ""
    pose_model: Optional[Path] = None
    kept: Optional[Path] = None
    window: Optional[str] = None
    stride: Optional[str] = None
    output: Optional[Path] = None
    ray: Optional[str] = None
    actors: Optional[int] = None


def run(request: Request) -> None:
    """Answer, as the answers come; of several clips, each that cannot be answered is a line on stderr.

    Raises:
        UserError: the model or an option is not what is needed, or a clip or a video is not; of several clips, the
            others have been answered then.
    """
    if not request.inputs and not request.videos:
        raise ConfigError("nothing to predict: give clips with --input, or videos with --video")
    if request.stride and not request.window:
        raise ConfigError("--stride needs a --window")
    if request.actors is not None and (request.ray is None or request.actors < 1):
        raise ConfigError(f"--actors {request.actors} has to be at least 1, and needs --ray")
    clips = [Path(path) for path in request.inputs] if request.keypoints else clip_files(request.inputs)
    if request.ray is not None:
        _answer_on_ray(request, clips, request.ray)
        return
    predictor = Predictor(request.model, engine=request.engine, threads=request.threads)
    card = predictor.card
    names = _names(request, card)
    needs = replace(predictor.needs, layout=request.layout) if request.layout else predictor.needs
    asked = len(clips) + len(request.videos)
    unanswered: list[str] = []

    def refused(source: str, error: ClipError) -> None:
        if asked == 1:
            raise error
        unanswered.append(source)
        terminal.complain(error)

    footage = _footage(request, clips, needs, refused)
    if request.window:
        _answer_over_time(request, predictor, footage, names, refused)
    else:
        answers: Iterable[Prediction] = predictor.stream(footage, request.batch_size, refused)
        if not sys.stdout.isatty():
            # on a terminal the answers say themselves how it goes
            answers = terminal.progress(answers, asked, "clip")
        for prediction in answers:
            _show(prediction, names, request)
    if unanswered:
        raise ClipError(f"{len(unanswered)} of {asked} clips have no answer, for the reasons above")


def _names(request: Request, card: Card) -> Sequence[str]:
    """Of the classes."""
    return class_names.read(request.names, card.classes) if request.names else card.names


def _footage(request: Request, clips: Sequence[Path], needs: Needs, refused: Refused) -> Iterator[Footage]:
    """What is to be answered, opened one after the other; what cannot be is refused."""
    for clip in clips:
        try:
            yield opened(clip, needs, form=request.keypoints, image_size=request.image_size)
        except ClipError as error:
            refused(str(clip), error)
    if not request.videos:
        return
    persons = needs.clip_shape[2]
    estimator = pose.get(request.pose, python=request.pose_python, model=request.pose_model, persons=persons)
    for video in request.videos:
        keep = request.kept / f"{video.stem}.json" if request.kept else None
        try:
            seen = pose.footage(estimator, video, needs, keep)
        except ClipError as error:
            refused(str(video), error)
            continue
        if not request.window and seen.rate and seen.frames / seen.rate > LONG:
            terminal.note(f"{video} is {seen.frames / seen.rate:.0f} s long; --window 3s answers it part by part")
        yield seen


def _show(prediction: Prediction, names: Sequence[str], request: Request) -> None:
    top = [(class_names.label(names, index), index, share) for index, share in prediction.top(request.top_k)]
    if request.as_json:
        ranks = [_answer(index, name, share) for name, index, share in top]
        terminal.hand_over(json.dumps({"clip": prediction.source, "top": ranks}, ensure_ascii=False))
    else:
        terminal.say(prediction.source)
        terminal.say("\n".join(terminal.ranking((f"    {name}", share) for name, _, share in top)))


def _answer(index: int, name: str, share: float) -> dict[str, object]:
    return {"class": index, "name": name, "probability": round(share, DIGITS)}


def _answer_on_ray(request: Request, clips: Sequence[Path], address: str) -> None:
    from ctrgcn_plugin.deploy.ray import prediction, worker

    if request.videos or request.window:
        raise ConfigError("--ray answers clips, each of them whole: no --video and no --window; see --save_keypoints")
    output = request.output or ANSWERS
    if output.is_dir():
        raise ConfigError(f"{output} is a folder; with --ray, -o names the Parquet file to write")
    models = selection.find_models(Path(request.model))
    card = next(iter(models.values()))
    layout = Path(request.layout or "")
    job = worker.Job(
        engine=request.engine,
        threads=request.threads,
        batch_size=request.batch_size,
        names=_names(request, card),
        layout=str(layout.absolute()) if layout.is_file() else request.layout,
        keypoints=request.keypoints,
        image_size=request.image_size,
    )
    content, cluster, bad = worker.packed(models), prediction.Cluster(address, request.actors), 0
    try:
        with (
            replacing(output) as file,
            terminal.progress(total=len(clips), unit="clip") as shown,
            closing(prediction.predict(clips, job, content, file, cluster)) as answers,
        ):
            for answered in answers:
                shown.update(len(answered))
                for clip, error in worker.unanswered(answered):
                    bad += 1
                    if bad <= NAMED:
                        terminal.note(f"{clip}: {error}")
    except OSError as error:
        raise ConfigError(f"{output} cannot be written: {one_line(error)}") from error
    if request.as_json:
        terminal.hand_over(json.dumps({"clips": len(clips), "unanswered": bad, "answers": str(output)}))
    else:
        terminal.say(f"{len(clips) - bad} of {len(clips)} clips answered: {output}")
    if bad:
        raise ClipError(f"{bad} of {len(clips)} clips have no answer; the column error of {output} says why")


def _answer_over_time(
    request: Request, predictor: Predictor, footage: Iterator[Footage], names: Sequence[str], refused: Refused
) -> None:
    assert request.window
    written: dict[str, str] = {}
    for one in footage:
        stem = Path(one.source).stem
        if stem in written:
            raise ConfigError(f"{written[stem]} and {one.source} would both be {stem}.csv; answer them one by one")
        written[stem] = one.source
        rate = request.rate or one.rate
        length = windows.frames_of(request.window, rate)
        stride = windows.frames_of(request.stride, rate) if request.stride else max(1, length // 2)
        parts = terminal.progress(windows.cut(one.frames, length, stride), unit="window", text=stem)
        try:
            answers = timeline.watch(predictor, one, parts, names=names, rate=rate, batch_size=request.batch_size)
        except ClipError as error:
            refused(one.source, error)
            continue
        _show_over_time(answers, request.as_json)
        _write(answers, (request.output or TIMELINES) / stem)


def _show_over_time(answers: Timeline, as_json: bool) -> None:
    missing = sum(scores is None for _, scores in answers.answers)
    if missing:
        terminal.note(f"{missing} of {len(answers.answers)} windows without an answer; the first: {answers.unanswered}")
    rows = []
    for segment in answers.segments():
        name, share = class_names.label(answers.names, segment.action), float(segment.scores.max())
        frames = [segment.start, segment.stop]
        seconds = [round(frame / answers.rate, 3) for frame in frames] if answers.rate else None
        if as_json:
            line = {"clip": answers.source, "frames": frames, "seconds": seconds}
            terminal.hand_over(json.dumps({**line, **_answer(segment.action, name, share)}, ensure_ascii=False))
        else:
            span = "{:.1f} to {:.1f} s".format(*seconds) if seconds else "frames {} to {}".format(*frames)
            rows.append([f"    {span}", name, f"{share:7.2%}", terminal.bar(share)])
    if rows:
        terminal.say(answers.source)
        terminal.say("\n".join(terminal.table([""] * 4, rows, right=False)[1:]))


def _write(answers: Timeline, stem: Path) -> None:
    from ctrgcn_plugin.drawing import timeline as picture

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
