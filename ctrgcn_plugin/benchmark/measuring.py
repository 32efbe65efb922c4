"""Exported models against each other: time, memory, size and error of any of them, in any engine's setting.

Each case is loaded in a fresh process first, which tells how long that takes and how much memory it needs. Then
all cases are loaded at once, in as few processes as can be, and run in turn, one run of each a round, so that
whatever else the machine does meets all alike; who follows whom changes from round to round.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Optional

import numpy as np

from ctrgcn_plugin import __version__, terminal
from ctrgcn_plugin.benchmark import latency, machines
from ctrgcn_plugin.benchmark.latency import Measurement
from ctrgcn_plugin.benchmark.plan import (
    Case,
    Plan,
    accuracies,
    cases_of,
    clip_shape,
    find_case,
    find_models,
    named,
    scores_of,
    without_folder,
)
from ctrgcn_plugin.benchmark.worker import CaseError, Worker
from ctrgcn_plugin.deploy import engines, gate
from ctrgcn_plugin.deploy.card import ModelError
from ctrgcn_plugin.environment import require_library
from ctrgcn_plugin.errors import UserError
from ctrgcn_plugin.files import replacing

# Paddle 3.3 frees a model's OpenVINO engine when the same model is loaded once more, although the first still uses it
ONE_TO_A_PROCESS = (engines.PADDLE_OPENVINO,)
# Intel's library in Paddle takes slow kernels on processors of others, unless it is told to use those of AVX2
MKL_AVX2 = "5"
MKL_ROUNDS = 9
WORTH_SAYING = 1.2


@dataclass(frozen=True)
class Outputs:
    """Files to write besides the table."""

    csv: Optional[Path] = None
    json: Optional[Path] = None
    plot: Optional[Path] = None

    def check(self) -> None:
        """Raise an error if one cannot be written, before hours of measuring."""
        if self.plot:
            require_library("matplotlib", "plot", "plotting")
        files = [file for file in (self.csv, self.json, self.plot) if file]
        if len({file.resolve() for file in files}) < len(files):
            raise UserError(f"one file for several outputs: {', '.join(map(str, files))}; give each its own")
        for file in files:
            if file.is_dir():
                raise UserError(f"cannot write {file}: it is a folder; give a file in it")
            folder = next(parent for parent in file.absolute().parents if parent.exists())
            try:
                with tempfile.TemporaryFile(dir=folder):
                    pass
            except OSError as error:
                raise UserError(f"cannot write {file}: {error.strerror}; give another file") from error


@dataclass
class Result:
    """What a benchmark has found.

    Attributes:
        measured: of each case.
        baseline: name of the case that the others are compared with.
        mkl_speedup: how much faster Paddle is with ``MKL_DEBUG_CPU_TYPE`` set, where that was tried.
        notes: lines for the user.
    """

    measured: list[Measurement]
    baseline: str
    mkl_speedup: Optional[float] = None
    notes: list[str] = field(default_factory=list)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """See :func:`~ctrgcn_plugin.benchmark.latency.summarise`."""
        return latency.summarise(self.measured, self.baseline)


def run(plan: Plan, outputs: Outputs) -> int:
    """Measure, print the table, write the files; 1 if a case failed, else 0."""
    outputs.check()
    machine = machines.describe()  # as it is before this keeps it busy
    result = measure(plan)
    rows = result.rows
    terminal.say(latency.as_table(rows))
    terminal.say(f"ratio: times as fast, for a clip, as {result.baseline}; {plan.rounds} rounds")
    for note in result.notes:
        terminal.say(note)
    if outputs.csv:
        with _written(outputs.csv) as file:
            file.write(latency.as_csv(rows).encode())
    if outputs.json:
        record = json.dumps(_record(plan, outputs, result, machine), indent=1)
        with _written(outputs.json) as file:
            file.write(f"{record}\n".encode())
    if outputs.plot:
        with _written(outputs.plot) as file:
            latency.plot(rows, file, title=f"{machine['cpu']}, {machine['cores']} cores")
    return int(any(row["failed"] for row in rows))


@contextmanager
def _written(path: Path) -> Iterator[IO[bytes]]:
    try:
        with replacing(path) as file:
            yield file
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}; give another file") from error


def measure(plan: Plan) -> Result:
    """Measure all cases of `plan`.

    Raises:
        UserError: the plan cannot be carried out. A case that fails is none: it is among the results.
    """
    models = find_models(plan.models)
    accuracy = accuracies(plan.accuracy, models)
    references = find_models([plan.reference]) if plan.reference else []
    expected = scores_of(references)
    shape = clip_shape([*models, *references])
    cases = cases_of(plan, models, shape)
    baseline = find_case(plan.baseline, [case.name for case in cases]) if plan.baseline else cases[0].name

    results: dict[str, dict[str, Any]] = {}
    for case in terminal.progress(cases, text="load", unit="case", leave=False):
        probe = case.model.card.probe if case.model.card else expected
        try:
            results[case.name] = _alone(case, probe)
        except (CaseError, ModelError) as error:
            results[case.name] = {"failed": without_folder(error, case.model)}
    _interleave(cases, results, plan.rounds)

    measured = [case.measured(**results[case.name], accuracy=accuracy.get(case.model.name)) for case in cases]
    result = Result(measured, baseline)
    if "failed" in results[baseline]:
        result.notes.append(f"no ratios: the baseline {baseline} failed")
    result.notes += [note for case, one in zip(cases, measured) for note in _wrong(case, one)]
    sound = [case for case in cases if "failed" not in results[case.name]]
    natively = next((case for case in sound if case.setting.engine == engines.PADDLE), None)
    if natively and machines.is_amd() and machines.MKL_VARIABLE not in os.environ:
        with suppress(CaseError):  # no reason to lose the results
            result.mkl_speedup = mkl_speedup(natively)
            result.notes += mkl_advice(result.mkl_speedup)
    return result


def _alone(case: Case, expected: Optional[Sequence[Sequence[float]]]) -> dict[str, Any]:
    """What a fresh process finds: time to load, memory, and error where it is known what is right."""
    if case.model.card:
        case.model.card.require_intact(case.model.file)
    with Worker() as worker:
        found = worker.load(case.job)
        number = found.pop("number")
        worker.run(number)
        found["peak_mb"] = worker.ask("peak_mb")
        if expected is None:
            return found
        scores, right = np.array(worker.ask("probe", number)), np.array(expected)
    error = gate.relative_error(scores, right)
    if not np.isfinite(error):
        reason = "are not finite" if scores.shape == right.shape else f"have shape {scores.shape}, not {right.shape}"
        raise CaseError(f"its scores of the probes {reason}")
    return {**found, "error": error}


def _interleave(cases: Sequence[Case], results: dict[str, dict[str, Any]], rounds: int) -> None:
    """Run all cases that have not failed in turn; their ``seconds`` are added to the results."""
    while True:
        running = [case for case in cases if "failed" not in results[case.name]]
        failing: Optional[Case] = None
        try:
            with ExitStack() as workers:
                shared = workers.enter_context(Worker())
                loaded: list[tuple[Worker, int]] = []
                for case in running:
                    failing = case
                    alone = case.setting.engine in ONE_TO_A_PROCESS
                    worker = workers.enter_context(Worker()) if alone else shared
                    loaded.append((worker, worker.load(case.job)["number"]))
                seconds: list[list[float]] = [[] for _ in running]
                for turn in terminal.progress(range(rounds), text="run", unit="round", leave=False):
                    for place in turn_order(len(running), turn):
                        failing = running[place]
                        worker, number = loaded[place]
                        seconds[place].append(worker.run(number))
        except CaseError as error:
            assert failing is not None
            # the others have lost their process as well, or a round of theirs: once more without it
            results[failing.name] = {"failed": without_folder(error, failing.model)}
        else:
            for case, own in zip(running, seconds):
                results[case.name]["seconds"] = own
            return


def turn_order(count: int, turn: int) -> list[int]:
    """Who runs when in this round: Williams' design, in which everybody follows everybody else equally often.

    All pairs have been there after `count` rounds, or twice as many where `count` is odd.
    """
    zigzag = [(place + 1) // 2 if place % 2 else -(place // 2) for place in range(count)]
    shifted = [(place + turn) % count for place in zigzag]
    return shifted[::-1] if count % 2 and turn % 2 else shifted


def _wrong(case: Case, one: Measurement) -> list[str]:
    limit = gate.TOLERANCES[case.model.card.precision if case.model.card else "fp32"].limit
    if one.error is None or one.error <= limit:
        return []
    return [f"{case.name} computes wrong scores: off by {one.error:.1g} of the largest, the limit is {limit:.0e}"]


def mkl_speedup(case: Case, rounds: int = MKL_ROUNDS) -> float:
    """How many times faster a case is with ``MKL_DEBUG_CPU_TYPE`` set than without; two processes in turn."""
    times: list[list[float]] = [[], []]
    with Worker() as without, Worker({machines.MKL_VARIABLE: MKL_AVX2}) as with_it:
        workers = (without, with_it)
        numbers = [worker.load(case.job)["number"] for worker in workers]
        for turn in range(rounds):
            for place in turn_order(len(workers), turn):
                times[place].append(workers[place].run(numbers[place]))
    return statistics.median(times[0]) / statistics.median(times[1])


def mkl_advice(speedup: float) -> list[str]:
    """A line for the user, if it is worth one."""
    if speedup < WORTH_SAYING:
        return []
    return [
        f"hint: on this AMD processor Paddle's own engine is {speedup:.1f} times as fast with the environment "
        f"variable {machines.MKL_VARIABLE}={MKL_AVX2}; you may set it"
    ]


def _record(plan: Plan, outputs: Outputs, result: Result, machine: Mapping[str, Any]) -> dict[str, Any]:
    cases = [{**row, "seconds": list(one.seconds)} for row, one in zip(result.rows, result.measured)]
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": command(plan, outputs),
        "machine": machine,
        "versions": _versions(),
        "rounds": plan.rounds,
        "baseline": result.baseline,
        "mkl_debug_cpu_type_speedup": result.mkl_speedup,
        "notes": result.notes,
        "cases": cases,
    }


def command(plan: Plan, outputs: Outputs) -> str:
    """The command line for this, with the names of files in place of their paths."""
    words = ["ctrgcn", "benchmark"]
    words += [_name_only(text) for text in plan.models]
    options: dict[str, Sequence[object]] = {
        "--setting": plan.settings,
        "--threads": plan.threads,
        "--batch": plan.batches,
        "--persons": plan.persons,
        "--rounds": [plan.rounds],
        "--baseline": [plan.baseline] if plan.baseline else [],
        "--reference": [_name_only(plan.reference)] if plan.reference else [],
        "--accuracy": plan.accuracy,
        "--csv": [outputs.csv.name] if outputs.csv else [],
        "--json": [outputs.json.name] if outputs.json else [],
        "--plot": [outputs.plot.name] if outputs.plot else [],
    }
    for option, values in options.items():
        words += [option, *map(str, values)] if values else []
    return shlex.join(words)


def _name_only(text: str) -> str:
    name, path = named(text)
    return f"{name}={path.resolve().name}" if name else path.resolve().name


def _versions() -> dict[str, Any]:
    libraries = [name for name in ("paddle", "onnxruntime", "onnx", "numpy") if find_spec(name)]
    return {
        "python": platform.python_version(),
        **{name: str(getattr(import_module(name), "__version__", "unknown")) for name in libraries},
        "openvino_in_paddle": engines.missing(engines.PADDLE_OPENVINO) is None,
        "ctrgcn_plugin": __version__,
    }
