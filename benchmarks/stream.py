"""Clips a second from files to answers: read, checked, sampled, run.

Half of the made clips have one person, whom a fused model need not be given a second one for. What the engine does
not take of the time is reading and sampling.

    python benchmarks/stream.py MODEL --threads 1 2 --batch 1 8 --json benchmarks/results/stream.json
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from ctrgcn_plugin.benchmark import machines
from ctrgcn_plugin.deploy import gate
from ctrgcn_plugin.deploy.engines import AUTO, ENGINES
from ctrgcn_plugin.deploy.predictor import Predictor
from ctrgcn_plugin.files import replacing

FRAMES = (32, 300)  # of a clip, from, to


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--engine", default=AUTO, choices=(AUTO, *ENGINES))
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--clips", type=int, default=64, help="in a pass (default: 64)")
    parser.add_argument("--rounds", type=int, default=5, help="passes of each case, in turn (default: 5)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    predictors = {
        threads: Predictor(options.model, engine=options.engine, threads=threads) for threads in options.threads
    }
    card = next(iter(predictors.values())).card
    rates: dict[tuple[int, int], list[float]] = {case: [] for case in itertools.product(predictors, options.batch)}
    with tempfile.TemporaryDirectory() as folder:
        files = make_clips(Path(folder), options.clips, card.clip_shape)
        for _, (threads, batch) in itertools.product(range(options.rounds), rates):
            start = time.perf_counter()
            answers = predictors[threads].predict(files, batch)
            rates[threads, batch].append(len(answers) / (time.perf_counter() - start))
    rows = [
        {
            "threads": threads,
            "batch": batch,
            "clips_per_second": statistics.median(own),
            "min": min(own),
            "max": max(own),
        }
        for (threads, batch), own in rates.items()
    ]
    for row in rows:
        print("threads {threads}, batch {batch}: {clips_per_second:.1f} clips/s ({min:.1f} to {max:.1f})".format(**row))
    if options.json:
        with replacing(options.json) as file:
            file.write(json.dumps(record(options, predictors, rows), indent=1).encode() + b"\n")


def make_clips(folder: Path, count: int, clip_shape: tuple[int, int, int]) -> list[Path]:
    """``.npy`` clips (C, T, V, M) in `folder`, every other with one person."""
    channels, joints, persons = clip_shape
    rng = np.random.default_rng(0)
    files = []
    for number in range(count):
        clip = gate.skeletons(rng, (1, channels, int(rng.integers(*FRAMES)), joints, persons))[0].astype(np.float32)
        if number % 2:
            clip[..., 1:] = 0
        files.append(folder / f"{number}.npy")
        np.save(files[-1], clip)
    return files


def record(options: argparse.Namespace, predictors: dict[int, Predictor], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The result with what it depends on."""
    some = next(iter(predictors.values()))
    return {
        "what": "clips a second from .npy files to answers, half of them with one person; medians of passes in turn",
        "model": f"{some.card.backbone}, {some.card.style}, {some.card.precision}",
        "settings": {threads: predictor.setting.name for threads, predictor in predictors.items()},
        "clips": options.clips,
        "rounds": options.rounds,
        "python": platform.python_version(),
        "numpy": np.__version__,
        **machines.describe(),
        "rows": rows,
    }


if __name__ == "__main__":
    main()
