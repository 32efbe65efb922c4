"""Clips a second from a data file to batches: upstream's dataset and steps, and the plugin's.

The clips are like NTU RGB+D's: 300 frames of which some 80 are valid, 25 joints, one person in half of them. The
pipeline is that of the training configs: a random crop resampled to 64 frames, a random rotation, a stream. Upstream's
runs in upstream's order and without those of the plugin's fixes that change it, but for the one that lets it run on
NumPy 2.4. Forms are measured in turn, one pass each a round, so that whatever else the machine does meets all alike;
beside the medians stand the ratios within a round. An epoch includes the start of its worker processes.

    PADDLEVIDEO_ROOT=... python benchmarks/loader.py --json benchmarks/results/loader.json
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import paddle

from ctrgcn_plugin import layouts
from ctrgcn_plugin.benchmark import machines
from ctrgcn_plugin.data.modality import NAMES, Modality
from ctrgcn_plugin.files import replacing
from ctrgcn_plugin.upstream import locate
from ctrgcn_plugin.upstream.fixes.fix import SWITCH

CLIPS, FRAMES, JOINTS, PERSONS = 256, 300, 25, 2
LENGTHS = (80, 25, 32)  # valid frames: mean, standard deviation, least
BATCH = 64
OFF = "gap-in-clip,crop-interval-default,empty-clip,modality-typo,modality-graph"
CROP = {"window_size": 64, "p_interval": [0.5, 1]}
CENTRE = {"window_size": 64, "p_interval": [0.95]}
UPSTREAM, OURS = "upstream", "ours"
DATASETS = {UPSTREAM: "SkeletonDataset", OURS: "MappedSkeletonDataset"}

Step = tuple[str, dict[str, Any]]
IDEN: Step = ("Iden", {})
CROPS: dict[str, Callable[[dict], Step]] = {
    UPSTREAM: lambda options: ("SketeonCropSample", options),
    OURS: lambda options: ("SkeletonCropResample", options),
}
ROTATIONS: dict[str, Step] = {UPSTREAM: ("RandomRotation", {"argument": True}), OURS: ("SkeletonRotation", {})}


class FixedModality:
    """What the fix modality-graph, which is off here, makes of upstream's SketeonModalityTransform."""

    def __init__(self, stream: str) -> None:
        self._modality = Modality.named(stream, layouts.get(layouts.DEFAULT).parents)

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        results["data"] = self._modality(results["data"])
        return results


def stream_step(form: str, stream: str) -> Step:
    """The step that makes a stream."""
    if form == OURS:
        return FixedModality.__name__, {"stream": stream}
    bone, motion = NAMES[stream]
    return "SketeonModalityTransform", {"joint": stream == "joint", "bone": bone, "motion": motion}


def pipeline(form: str, stream: str) -> list[Step]:
    """All steps, in the order that upstream's configs have, and in the one that is best for ours."""
    steps = [CROPS[form](CROP), ROTATIONS[form], stream_step(form, stream)]
    return [IDEN, *steps] if form == UPSTREAM else [*steps, IDEN]


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=9, help="passes of each form (default: 9)")
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2], help="num_workers (default: 0 1 2)")
    parser.add_argument("--epoch", type=int, default=2048, help="clips in an epoch of the loader (default: 2048)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there, too")
    options = parser.parse_args()
    os.environ[SWITCH] = OFF
    root = locate.find().root
    sys.path.insert(0, str(root))
    from paddlevideo.loader.registry import PIPELINES

    PIPELINES.register(FixedModality)
    workers = " ".join(map(str, options.workers))
    result = {
        "what": "upstream's dataset and steps, and the plugin's; forms in turn",
        "command": f"python benchmarks/loader.py --rounds {options.rounds} --workers {workers} --epoch {options.epoch}",
        "python": platform.python_version(),
        "paddle": paddle.__version__,
        "numpy": np.__version__,
        "paddlevideo": locate.Upstream(root).commit() or root.name,
        **machines.describe(),
        "rounds": options.rounds,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_files(folder)
        result["steps"] = measure_steps(folder, options.rounds)
        result["items"] = [
            {"stream": stream, **compare(item_passes(folder, stream), CLIPS, options.rounds)} for stream in NAMES
        ]
        result["epochs"] = [
            {"workers": count, **compare(epoch_passes(folder, count, options.epoch), options.epoch, options.rounds)}
            for count in options.workers
        ]
    print("\n".join(described(result)))
    if options.json:
        with replacing(options.json) as file:
            file.write(json.dumps(result, indent=1).encode() + b"\n")


def make_files(folder: Path) -> None:
    """``data.npy`` and ``label.pkl``."""
    rng = np.random.default_rng(0)
    clips = np.zeros((CLIPS, 3, FRAMES, JOINTS, PERSONS), np.float32)
    mean, deviation, least = LENGTHS
    for number, clip in enumerate(clips):
        valid = int(np.clip(rng.normal(mean, deviation), least, FRAMES))
        clip[:, :valid, :, : 1 + number % 2] = rng.normal(0, 1, (3, valid, JOINTS, 1 + number % 2))
    np.save(folder / "data.npy", clips)
    (folder / "label.pkl").write_bytes(pickle.dumps(([f"{i}" for i in range(CLIPS)], [i % 60 for i in range(CLIPS)])))


def measure_steps(folder: Path, rounds: int) -> list[dict]:
    """Each step alone, on the clips as they come to it."""
    stored = np.load(folder / "data.npy")
    sampled = [run([CROPS[OURS](CROP)], clip) for clip in stored]
    cases: list[tuple[str, Any, dict[str, Step]]] = [
        ("random crop", stored, {form: CROPS[form](CROP) for form in DATASETS}),
        ("centre crop", stored, {form: CROPS[form](CENTRE) for form in DATASETS}),
        ("rotation", sampled, ROTATIONS),
        *(
            (stream, sampled, {form: stream_step(form, stream) for form in DATASETS})
            for stream in NAMES
            if stream != "joint"
        ),
    ]
    return [
        {"step": name, **compare({form: step_pass(step, clips) for form, step in steps.items()}, CLIPS, rounds)}
        for name, clips, steps in cases
    ]


def build(steps: list[Step]) -> Callable[[dict], dict]:
    """Upstream's pipeline of these steps."""
    from paddlevideo.loader.builder import build_pipeline

    return build_pipeline({"sample": [{name: options} for name, options in steps]})


def run(steps: list[Step], clip: np.ndarray) -> np.ndarray:
    """A clip after some steps."""
    return build(steps)({"data": clip})["data"]


def step_pass(step: Step, clips: Any) -> Callable[[], None]:
    """One step on a copy of every clip: upstream's may write into what it is given."""
    transform = build([step])

    def once() -> None:
        for clip in clips:
            transform({"data": clip.copy()})

    return once


def dataset(folder: Path, form: str, stream: str) -> Any:
    """A dataset of a form, with its pipeline."""
    from paddlevideo.loader import build_dataset
    from paddlevideo.utils.config import AttrDict

    files = {"file_path": str(folder / "data.npy"), "label_path": str(folder / "label.pkl")}
    steps = [{name: options} for name, options in pipeline(form, stream)]
    return build_dataset((AttrDict(format=DATASETS[form], **files), {"sample": steps}))


def item_passes(folder: Path, stream: str) -> dict[str, Callable[[], None]]:
    """Every item of the datasets, in this process."""

    def once(made: Any) -> None:
        for index in range(len(made)):
            made[index]

    made = {form: dataset(folder, form, stream) for form in DATASETS}
    return {form: lambda made=made[form]: once(made) for form in DATASETS}  # type: ignore[misc]


class Repeated(paddle.io.Dataset):
    """The items of a dataset, over and over."""

    def __init__(self, items: Any, length: int) -> None:
        self._items, self._length = items, length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Any:
        return self._items[index % len(self._items)]


def epoch_passes(folder: Path, workers: int, length: int) -> dict[str, Callable[[], None]]:
    """An epoch of upstream's loader, joints."""
    from paddlevideo.loader import build_dataloader

    def once(loader: Any) -> None:
        for _ in loader:
            pass

    place = paddle.set_device("cpu")
    loaders = {
        form: build_dataloader(Repeated(dataset(folder, form, "joint"), length), BATCH, workers, place)
        for form in DATASETS
    }
    return {form: lambda loader=loaders[form]: once(loader) for form in DATASETS}  # type: ignore[misc]


def compare(passes: dict[str, Callable[[], None]], clips: int, rounds: int) -> dict[str, dict[str, float]]:
    """Clips a second of each form, and how many times upstream's ours are within a round."""
    rates: dict[str, list[float]] = {form: [] for form in passes}
    for number in range(-1, rounds):
        for form, once in passes.items():
            before = time.perf_counter()
            once()
            # the first round only warms up
            if number >= 0:
                rates[form].append(clips / (time.perf_counter() - before))
    ratios = [ours / theirs for ours, theirs in zip(rates[OURS], rates[UPSTREAM])]
    return {**{form: quartiles(rates[form], 0) for form in passes}, "times_as_fast": quartiles(ratios, 2)}


def quartiles(values: list[float], digits: int) -> dict[str, float]:
    """Median and quartiles."""
    names = ("quartile_1", "median", "quartile_3")
    return {
        name: round(value, digits) for name, value in zip(names, statistics.quantiles(values, n=4, method="inclusive"))
    }


def described(result: dict) -> list[str]:
    """The result, for people."""
    lines = [f"{result['cpu']}, {result['cores']} cores, load {result['load']}, Paddle {result['paddle']}"]
    for kind, key in (("steps", "step"), ("items", "stream"), ("epochs", "workers")):
        for row in result[kind]:
            ratio = row["times_as_fast"]
            lines.append(
                f"{kind} {row[key]!s:12}{row[UPSTREAM]['median']:8.0f} -> {row[OURS]['median']:8.0f} clips/s, "
                f"{ratio['median']:.2f} times, quartiles {ratio['quartile_1']:.2f} and {ratio['quartile_3']:.2f}"
            )
    return lines


if __name__ == "__main__":
    main()
