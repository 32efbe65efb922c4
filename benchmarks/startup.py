"""What the start-up hook adds to every ``python -c pass``, in milliseconds.

Two fresh virtual environments hold the same wheel; in one of them the start-up files are deleted.
Their interpreters are started in pairs, one right after the other, first the one and then the
other in turn, so that whatever else the machine does meets both alike. The difference within a
pair is the measurement; its median and quartiles are the result. The control is the same with two
environments that both have no hook: what comes out there is the error of the method. On a machine
that is busy with other things the wall clock measures them, too, and processor time is the better one.

    python benchmarks/startup.py --pairs 400 --json benchmarks/results/startup.json
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import NamedTuple

from ctrgcn_plugin.benchmark import machines

ROOT = Path(__file__).resolve().parent.parent
BUDGET_MS = 0.5


class Start(NamedTuple):
    """One start of an interpreter, by the clock on the wall and by the processor time it took."""

    wall_ms: float
    cpu_ms: float


def main() -> None:
    """Build, install, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--pairs", type=int, default=200, help="paired starts (default: 200)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there, too")
    parser.add_argument("--wheel", type=Path, help="measure this wheel instead of building one from the checkout")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(options.wheel or build_wheel(Path(folder)), Path(folder), options.pairs)
    print(describe(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def measure(wheel: Path, folder: Path, pairs: int) -> dict:
    """Milliseconds that the hook of `wheel` adds; the environments are made in `folder`."""
    # names of one length: path lengths cost time, too
    hooked, bare, other = (environment(folder / name, wheel) for name in ("hook", "bare", "same"))
    for python in (bare, other):
        remove_start_up_files(python)
    return {
        "what": "milliseconds that the start-up hook adds to python -c pass",
        "command": f"python benchmarks/startup.py --pairs {pairs}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        **machines.describe(),
        "pairs": pairs,
        "budget_ms": BUDGET_MS,
        "hook": summary(paired_starts(hooked, bare, pairs)),
        "control": summary(paired_starts(other, bare, pairs)),
    }


def build_wheel(folder: Path) -> Path:
    """A wheel of the checkout."""
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", folder, ROOT],
        check=True,
    )
    return next(folder.glob("*.whl"))


def environment(folder: Path, wheel: Path) -> Path:
    """The interpreter of a new virtual environment that holds `wheel` and nothing else."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel],
        check=True,
    )
    return python


def remove_start_up_files(python: Path) -> None:
    """Leave the package where it is, without its hook."""
    for suffix in ("pth", "start"):
        for file in python.parent.parent.glob(f"lib/python*/site-packages/ctrgcn_plugin.{suffix}"):
            file.unlink()


def paired_starts(one: Path, other: Path, pairs: int) -> list[tuple[Start, Start]]:
    """Starts of `one` and of `other`; the first few pairs, which warm the disk cache, are left out."""
    timed = []
    for number in range(-5, pairs):
        if number % 2:
            first, second = start(one), start(other)
        else:
            second, first = start(other), start(one)
        if number >= 0:
            timed.append((first, second))
    return timed


def start(python: Path) -> Start:
    """Time one start; with no PYTHON* variables, which could make it another kind of start."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    before = time.perf_counter()
    process = os.posix_spawn(python, [str(python), "-c", "pass"], variables)
    _, status, usage = os.wait4(process, 0)
    passed = time.perf_counter() - before
    if status:
        raise SystemExit(f"{python} -c pass: status {status}")
    return Start(1000 * passed, 1000 * (usage.ru_utime + usage.ru_stime))


def summary(pairs: list[tuple[Start, Start]]) -> dict[str, dict[str, float]]:
    """For either clock the median and quartiles of the differences, and a bare start to set them beside."""
    result = {}
    for clock in Start._fields:
        differences = [getattr(one, clock) - getattr(other, clock) for one, other in pairs]
        low, median, high = statistics.quantiles(differences, n=4)
        result[clock] = {
            "median": round(median, 3),
            "quartile_1": round(low, 3),
            "quartile_3": round(high, 3),
            "bare_start": round(statistics.median(getattr(other, clock) for _, other in pairs), 3),
        }
    return result


def describe(result: dict) -> str:
    """The result, for people."""
    lines = [f"{result['python']}, {result['cpu']}, {result['cores']} cores, load {result['load']}"]
    for name in ("hook", "control"):
        for clock, values in result[name].items():
            lines.append(
                f"{name + ' ' + clock:16}{values['median']:+.3f} ms median, quartiles {values['quartile_1']:+.3f} and "
                f"{values['quartile_3']:+.3f}, on top of a bare start of {values['bare_start']:.1f} ms"
            )
    lines.append(f"{result['pairs']} pairs; the budget for hook wall_ms is {result['budget_ms']} ms")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
