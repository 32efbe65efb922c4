"""Seconds of whole commands: ``ctrgcn predict`` in one process, and on a Ray cluster of this machine's cores.

Each command starts, loads the model, reads the same list of made clips, half of them with one person, and answers it.
What Ray costs to start is in its seconds: it pays from some number of clips on.

    python benchmarks/ray_prediction.py MODEL --actors 1 2 --clips 2000 --json benchmarks/results/ray_prediction.json
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stream import make_clips

from ctrgcn_plugin.benchmark import machines
from ctrgcn_plugin.deploy import selection
from ctrgcn_plugin.files import replacing

FILES = 200  # that a list names again and again


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--actors", type=int, nargs="+", default=[1, 2], metavar="N", help="(default: 1 2)")
    parser.add_argument("--clips", type=int, default=2000, help="of a command (default: 2000)")
    parser.add_argument("--rounds", type=int, default=3, help="of all commands in turn (default: 3)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    card = next(iter(selection.find_models(options.model).values()))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = make_clips(folder, FILES, card.clip_shape)
        listed = folder / "clips.txt"
        listed.write_text("".join(f"{files[number % FILES]}\n" for number in range(options.clips)))
        alone = [sys.executable, "-m", "ctrgcn_plugin", "predict", "-q", "-m", str(options.model), "-i", str(listed)]
        on_ray = ["--ray", "-o", str(folder / "answers.parquet"), "--actors"]
        cases = {"one process": alone, **{f"Ray, {n} actors": [*alone, *on_ray, str(n)] for n in options.actors}}
        seconds: dict[str, list[float]] = {case: [] for case in cases}
        for _ in range(options.rounds):
            for case, command in cases.items():
                start = time.perf_counter()
                subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
                seconds[case].append(round(time.perf_counter() - start, 2))
    rows = [row(case, own, seconds["one process"], options.clips) for case, own in seconds.items()]
    for one in rows:
        print("{case:16}{seconds:8.1f} s, {clips_per_second:6.1f} clips/s, times as fast: {ratios}".format(**one))
    if options.json:
        result = {
            "what": "whole commands that answer the same clips, half of them with one person; in turn",
            "model": f"{card.backbone}, {card.style}, {card.precision}",
            "clips": options.clips,
            "rounds": options.rounds,
            "python": platform.python_version(),
            "ray": version("ray"),
            **machines.describe(),
            "rows": rows,
        }
        with replacing(options.json) as file:
            file.write(json.dumps(result, indent=1).encode() + b"\n")


def row(case: str, own: list[float], base: list[float], clips: int) -> dict[str, Any]:
    """A command's median, and how many times as fast it is as one process in each round."""
    middle = statistics.median(own)
    return {
        "case": case,
        "seconds": middle,
        "clips_per_second": round(clips / middle, 1),
        "ratios": sorted(round(alone / seconds, 2) for alone, seconds in zip(base, own)),
    }


if __name__ == "__main__":
    main()
