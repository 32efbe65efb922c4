"""Hours of the loader and of prediction with faults mixed in: memory flat, no hang, every bad clip reported once.

Each part goes on in rounds until its time is over. A round of ``load`` is an epoch of upstream's loader, over clips of
which some are NaN or all zero; in some of them a worker is killed, or the data file is shortened, loses its name or is
replaced. A round of ``predict`` is a folder and a list of clips in every format, good and bad; some vanish, are
shortened or written anew between being listed and being read: by the predictor of this process, and by the command
``ctrgcn predict``. What each clip and each fault should come to is known, as is when memory counts as flat, see
:class:`soaking.watching.Watch`. The faults follow from the seed, but for when a process gets round to what.

    PADDLEVIDEO_ROOT=... python benchmarks/soak.py --minutes 30 --json benchmarks/results/soak.json
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Optional

import numpy as np
import paddle
from soaking import rounds
from soaking.answering import Predict
from soaking.loading import SOONEST, Load
from soaking.model import Model
from soaking.rounds import Part
from soaking.watching import LEAK, ONCE, Watch

from ctrgcn_plugin import layouts
from ctrgcn_plugin.benchmark import machines
from ctrgcn_plugin.deploy import gate
from ctrgcn_plugin.files import replacing
from ctrgcn_plugin.upstream import locate

PARTS = ("load", "predictor", "command")


def parts(folder: Path, options: argparse.Namespace, seed: int) -> Iterator[Part]:
    """What is to be done."""
    if "load" in options.parts:
        made = gate.skeletons(np.random.default_rng(0), (options.epoch, 3, 64, 25, 2))
        stored = np.load(options.data, mmap_mode="r")[: options.epoch] if options.data else made
        sys.path.insert(0, str(locate.find().root))
        for form, workers in product(Load.STEPS, options.workers):
            yield Load(folder, stored.astype(np.float32), form, workers, random.Random(seed))
    kinds = [kind for kind in ("predictor", "command") if kind in options.parts]
    if kinds:
        kinect = Model(folder / "kinect", layouts.DEFAULT, 3, 2, "metres")
        coco = Model(folder / "coco", "coco", 2, 1, "trunks")
        for kind, model in product(kinds, (kinect, coco)):
            yield Predict(folder, model, options.clips, kind == "command", random.Random(seed))


def arguments(given: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--minutes", type=float, default=1.0, help="of each part (default: 1)")
    parser.add_argument("--rounds", type=int, default=8, help="of each part, at least (default: 8)")
    parser.add_argument("--seed", type=int, help="of the faults (default: another each time)")
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS, help="(default: all)")
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2], help="num_workers (default: 0 2)")
    parser.add_argument("--epoch", type=int, default=200, help="clips in an epoch of the loader (default: 200)")
    parser.add_argument("--clips", type=int, default=300, help="in a round of prediction (default: 300)")
    parser.add_argument("--data", type=Path, metavar="FILE", help="clips for the loader, .npy (default: made)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there, every minute, too")
    return parser.parse_args(given)


def main(given: Optional[Sequence[str]] = None) -> int:
    """Go on, print, and end with status 1 if anything was not as it should be."""
    options = arguments(given)
    seed = random.randrange(2**32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    result: dict[str, Any] = {
        "what": "the loader and prediction with faults mixed in",
        "command": "python benchmarks/soak.py " + " ".join(given if given is not None else sys.argv[1:]),
        "seed": seed,
        "limits": {"leak_mb_per_10000_clips": LEAK, "once_mb": ONCE, "seconds_to_end": SOONEST, "hang": rounds.LONGEST},
        "python": platform.python_version(),
        "paddle": paddle.__version__,
        "numpy": np.__version__,
        **machines.describe(),
        "parts": [],
    }
    with tempfile.TemporaryDirectory() as name:
        for part in parts(Path(name), options, seed):
            row: dict[str, Any] = {"part": part.name}
            result["parts"].append(row)
            start = time.monotonic()

            def report(watch: Watch, part: Part = part, row: dict[str, Any] = row, start: float = start) -> None:
                problems = [*part.problems, *watch.problems()]
                row.update(minutes=round((time.monotonic() - start) / 60, 2), rounds=len(watch.clips))
                row.update(clips=watch.clips[-1], counts=dict(sorted(part.counts.items())))
                row.update(slowest_end_seconds=round(part.slowest, 2), problems=len(problems), first=problems[:20])
                row.update(watch.summary())
                if options.json:
                    with replacing(options.json) as file:
                        file.write(json.dumps(result, indent=1).encode() + b"\n")

            rounds.go_on(part, 60 * options.minutes, options.rounds, report)
            print(
                "{part}: {rounds} rounds, {clips} clips, {growth_mb_per_10000_clips:+.2f} MB for 10,000 clips, "
                "slowest end {slowest_end_seconds} s, {problems} problems".format(**row),
                flush=True,
            )
            for problem in row["first"]:
                print(f"    {problem}", flush=True)
    return int(any(row["problems"] for row in result["parts"]))


if __name__ == "__main__":
    sys.exit(main())
