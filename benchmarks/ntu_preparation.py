"""NTU RGB+D from raw files to what SkeletonDataset reads: files a second, against PaddleVideo's three scripts.

Both prepare the same files in turn, from the start of a process to its end, and must give the same arrays and labels.
The scripts get back the names that NumPy has removed, and a module that they import and do not use; nothing else of
them is changed. On a machine that is busy with other things the ratio within a round is what counts.

A sample of the data set stands for more: --times and --large link its files to other names of the data set. With
--large the plugin's command prepares so many once more, and its largest process is told.

    python benchmarks/ntu_preparation.py RAW_DIR --paddlevideo DIR --times 1 3 --rounds 3 --large 12000 \\
        --json benchmarks/results/ntu_preparation.json
"""

from __future__ import annotations

import argparse
import filecmp
import itertools
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ctrgcn_plugin.benchmark import machines
from ctrgcn_plugin.data.prepare.source import Recording
from ctrgcn_plugin.data.prepared import DATA, LABELS, read_labels
from ctrgcn_plugin.data.sources.ntu import source
from ctrgcn_plugin.files import replacing

SCRIPTS = ("get_raw_skes_data", "get_raw_denoised_data", "seq_transformation")
RESTORED = """
import runpy, sys, types
import numpy as np
np.int, np.string_ = int, np.bytes_
sys.modules["sklearn"] = types.ModuleType("sklearn")
sys.modules["sklearn.model_selection"] = unused = types.ModuleType("sklearn.model_selection")
unused.train_test_split = None
runpy.run_path(sys.argv[1], run_name="__main__")
"""
# setups and cameras of NTU RGB+D 60
VIEWS = [(setup, camera) for camera in (1, 2, 3) for setup in range(1, 18)]
# of a clip's numbers, what each of upstream's lists has
LISTS = {"setup": 0, "camera": 1, "performer": 2, "replication": 3, "label": 4}


class Cost(NamedTuple):
    """Of some processes, one after the other: seconds by the clock and of all processors, and largest memory."""

    wall: float
    cpu: float
    peak_mb: float


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("raw", type=Path, help="folder of .skeleton files of NTU RGB+D 60")
    parser.add_argument("--paddlevideo", type=Path, required=True, help="a checkout of PaddleVideo")
    parser.add_argument("--times", type=int, nargs="+", default=[1], help="each file under so many names (default: 1)")
    parser.add_argument("--rounds", type=int, default=5, help="of both, in turn (default: 5)")
    parser.add_argument("--large", type=int, metavar="FILES", help="prepare so many files, too")
    parser.add_argument("--dir", type=Path, help="where to work, on the disk of RAW_DIR (default: temporary)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    clips = source(options.raw.resolve()).recordings
    times = " ".join(map(str, options.times))
    large_files = f" --large {options.large}" if options.large else ""
    result: dict[str, Any] = {
        "what": "files a second from raw NTU RGB+D to train_data.npy and so on, medians of rounds in turn",
        "command": "python benchmarks/ntu_preparation.py RAW_DIR --paddlevideo DIR "
        f"--times {times} --rounds {options.rounds}{large_files}",
        "clips": len(clips),
        "megabytes": round(sum(clip.file.stat().st_size for clip in clips) / 1e6, 1),
        "rounds": options.rounds,
        "python": platform.python_version(),
        "numpy": np.__version__,
        **machines.describe(),
        "rows": [],
    }
    for factor in options.times:
        with tempfile.TemporaryDirectory(dir=options.dir) as folder:
            raw = link(clips, Path(folder), factor * len(clips))
            result["rows"].append(measure(raw, options.paddlevideo.resolve(), options.rounds, Path(folder)))
        print(json.dumps(result["rows"][-1]), flush=True)
    if options.large:
        with tempfile.TemporaryDirectory(dir=options.dir) as folder:
            result["large"] = large(link(clips, Path(folder), options.large), Path(folder))
        print(json.dumps(result["large"]))
    if options.json:
        with replacing(options.json) as file:
            file.write(json.dumps(result, indent=1).encode() + b"\n")


def link(clips: Sequence[Recording], folder: Path, files: int) -> Path:
    """A folder with `files` links to the clips, as of other setups and cameras."""
    if len({clip.name[8:] for clip in clips}) < len(clips) or files > len(clips) * len(VIEWS):
        raise SystemExit("the clips must be of one setup and camera, and not so many names are needed")
    raw = folder / "raw"
    raw.mkdir()
    for (setup, camera), clip in itertools.islice(itertools.product(VIEWS, clips), files):
        os.link(clip.file, raw / f"S{setup:03}C{camera:03}{clip.name[8:]}.skeleton")
    return raw


def measure(raw: Path, paddlevideo: Path, rounds: int, folder: Path) -> dict[str, Any]:
    """Files a second of both, in `folder`."""
    clips = source(raw).recordings
    upstream = folder / "ntu-rgb-d"
    upstream.mkdir()
    (upstream / "nturgb+d_skeletons").symlink_to(raw)
    write_lists(upstream / "statistics", [clip.name for clip in clips])
    scripts = [[sys.executable, "-c", RESTORED, paddlevideo / "data/ntu-rgb-d" / f"{name}.py"] for name in SCRIPTS]
    costs: dict[str, list[Cost]] = {"upstream": [], "plugin": []}
    for _ in range(rounds):
        out = folder / "out"
        costs["upstream"].append(cost(scripts, upstream))
        costs["plugin"].append(cost([prepare(raw, out)], folder))
        compare(upstream, out)
        shutil.rmtree(out)
    pairs = list(zip(costs["upstream"], costs["plugin"]))
    return {
        "files": len(clips),
        **{f"{name}_files_per_second": spread([len(clips) / one.wall for one in own]) for name, own in costs.items()},
        **{f"{name}_cpu_seconds": spread([one.cpu for one in own]) for name, own in costs.items()},
        **{f"{name}_peak_mb": spread([one.peak_mb for one in own]) for name, own in costs.items()},
        "times_as_fast": spread([theirs.wall / ours.wall for theirs, ours in pairs]),
        "times_less_processor_time": spread([theirs.cpu / ours.cpu for theirs, ours in pairs]),
    }


def large(raw: Path, folder: Path) -> dict[str, Any]:
    """The plugin's cost of many files."""
    files = len(source(raw).recordings)
    spent = cost([prepare(raw, folder / "out")], folder)
    return {
        "files": files,
        "seconds": round(spent.wall, 1),
        "cpu_seconds": round(spent.cpu, 1),
        "files_per_second": round(files / spent.wall, 1),
        "peak_mb_of_a_process": round(spent.peak_mb, 1),
    }


def prepare(raw: Path, out: Path) -> list[object]:
    """The plugin's command."""
    return [sys.executable, "-m", "ctrgcn_plugin", "prepare", "ntu", raw, out]


def cost(commands: Iterable[Sequence[object]], folder: Path) -> Cost:
    """What the commands take, one after the other, in `folder`."""
    wall, cpu, peak = 0.0, 0.0, 0.0
    for command in commands:
        start = time.perf_counter()
        with subprocess.Popen(list(map(str, command)), cwd=folder, stdout=subprocess.DEVNULL) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        wall += time.perf_counter() - start
        if process.returncode:
            raise SystemExit(f"{command} failed")
        cpu += usage.ru_utime + usage.ru_stime
        peak = max(peak, usage.ru_maxrss / 1e3)
    return Cost(wall, cpu, peak)


def write_lists(folder: Path, names: Sequence[str]) -> None:
    """The lists that upstream's scripts read."""
    folder.mkdir()
    (folder / "skes_available_name.txt").write_text("\n".join(names) + "\n", encoding="ascii")
    for title, place in LISTS.items():
        numbers = [name[4 * place + 1 : 4 * place + 4] for name in names]
        (folder / f"{title}.txt").write_text("\n".join(str(int(number)) for number in numbers) + "\n", encoding="ascii")


def compare(upstream: Path, plugin: Path) -> None:
    """Ends the program unless both have made the same."""
    for protocol in ("xsub", "xview"):
        for split in ("train", "val"):
            data, labels = (Path(protocol, name.format(split=split)) for name in (DATA, LABELS))
            same = filecmp.cmp(upstream / data, plugin / data, shallow=False)
            ours, theirs = (read_labels(root / labels) for root in (plugin, upstream))
            if not same or list(ours.names) != list(theirs.names) or not np.array_equal(ours.labels, theirs.labels):
                raise SystemExit(f"{data} or {labels} differ")


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, smallest and largest."""
    return {"median": round(statistics.median(values), 2), "min": round(min(values), 2), "max": round(max(values), 2)}


if __name__ == "__main__":
    main()
