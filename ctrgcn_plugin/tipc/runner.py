"""Runs a chain with upstream's own scripts and has it judged."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Optional

from ctrgcn_plugin import configs, terminal
from ctrgcn_plugin.errors import UserError
from ctrgcn_plugin.tipc import evidence, interpreter, judge, lite_data, preparing, requirements, supplies
from ctrgcn_plugin.tipc.chain import WHOLE_INFER, Chain, Training
from ctrgcn_plugin.tipc.commands import COMPARE, TRAIN
from ctrgcn_plugin.tipc.evidence import Record
from ctrgcn_plugin.tipc.judge import Judge, Verdict
from ctrgcn_plugin.tipc.preparing import Weights
from ctrgcn_plugin.tipc.reference import Export, Networks, exports, find_config
from ctrgcn_plugin.tipc.results import Result
from ctrgcn_plugin.upstream.locate import Upstream

if TYPE_CHECKING:
    from tqdm import tqdm

PREPARE = "prepare"
BENCHMARK = "--enable_benchmark"
THREADS = "OMP_NUM_THREADS"

Say = Callable[[str], object]


@dataclass(frozen=True)
class Order:
    """A run of a chain.

    Attributes:
        config: the chain's file.
        mode: one of the chain's; empty for its default.
        weights: for a chain without training; fixed ones where it is None.
        tolerance: of the scores, see :func:`~ctrgcn_plugin.tipc.judge.score_error`.
    """

    config: Path
    mode: str = ""
    weights: Optional[Path] = None
    tolerance: float = judge.TOLERANCE


def run(order: Order, upstream: Upstream, say: Say = print) -> Result:
    """Prepare, run and judge a chain. A mistake of the user's is a failed stage of the result."""
    name = f"{order.config.parent.name}.{order.config.stem}"
    try:
        chain = Chain.read(order.config)
        mode = chain.require_mode(order.mode)
        name = f"{name}.{mode}"
        return Result(name, _Run(chain, mode, order, upstream, say).verdicts())
    except UserError as error:
        return Result(name, [Verdict(PREPARE, PREPARE, str(error))])


def prepare(order: Order, upstream: Upstream) -> str:
    """Make what a chain needs and run nothing; what was made, in words."""
    chain = Chain.read(order.config)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    mode = order.mode or chain.default_mode
    return _Run(chain, mode, order, upstream, print).prepare(path)[1]


class _Run:
    def __init__(self, chain: Chain, mode: str, order: Order, upstream: Upstream, say: Say) -> None:
        self.chain, self.mode, self.order, self.upstream, self.say = chain, mode, order, upstream, say
        self.root = upstream.root
        self.output = self.root / chain.output(mode)
        # beside the folder, which some scripts empty
        self.record = self.output.with_name(f"{self.output.name}.processes.jsonl")
        self.log = self.output.with_name(f"{self.output.name}.log")

    def verdicts(self) -> list[Verdict]:
        self._clear()
        with programs() as folders:
            search_path = os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)])
            environment = {**os.environ, "PATH": search_path, interpreter.RECORD: str(self.record)}
            environment.setdefault(THREADS, str(os.cpu_count() or 1))
            clock, started = time.perf_counter(), time.time()
            weights, told = self.prepare(search_path)
            self._bash("prepare.sh", environment)
            seconds = time.perf_counter() - clock
            self.say(f"    {PREPARE}: {told}")
            with terminal.progress(total=sum(self.chain.expected(self.mode).values()), unit="stage") as bar:
                self._bash(self.chain.script, environment, bar)
            comparable = all(one.fixed for one in weights) and self._has_results()
            compared = self._compare(environment) if comparable else []
        ready = Verdict(PREPARE, PREPARE, detail=told, seconds=seconds, log=self.log.relative_to(self.root))
        return [ready, *self._judge([one.exported for one in weights], started), *compared]

    def prepare(self, search_path: str) -> tuple[list[Weights], str]:
        """Make what the chain needs: the weights that it was given, and what was prepared, in words."""
        requirements.require_programs(self.chain, search_path)
        needs = self.chain.needs(self.mode)
        if self.order.weights and not needs:
            raise UserError(f"--weights is for chains that train nothing; {self.chain.file.name} trains its own")
        told = [lite_data.make(self.root)] if self.mode.startswith("lite") else []
        requirements.require(self.chain, self.root, self.mode)
        for _, command in self.chain.commands(self.mode):
            if command.purpose == TRAIN and command.config:
                config = configs.load(find_config(self.root, command.config), command.overrides())
                told += supplies.supply(self.root, config)
        own = preparing.is_shipped(self.chain.file)
        weights = [preparing.place_weights(self.root, need, self.order.weights, own) for need in needs]
        told += [one.told for one in weights]
        return weights, "; ".join(told) or "nothing was needed"

    def _clear(self) -> None:
        """Take away what an earlier run of the same chain has left, so that none of it passes for this one's."""
        shutil.rmtree(self.output, ignore_errors=True)
        self.output.mkdir(parents=True)
        for file in (self.record, self.log):
            file.unlink(missing_ok=True)

    def _has_results(self) -> bool:
        """Whether predictions are printed, and there are results to compare them with."""
        prints = any(line.key == BENCHMARK and line.value == "False" for line in self.chain.lines)
        predicts = isinstance(self.chain, Training) and self.mode == WHOLE_INFER
        return predicts and prints and self._results().is_dir()

    def _results(self) -> Path:
        return self.root / preparing.RESULTS / self.chain.file.parent.name

    def _compare(self, environment: dict[str, str]) -> list[Verdict]:
        """Upstream's own comparison of what was printed with the results that are kept."""
        log, results = self.output / "compare_results.log", self._results().relative_to(self.root)
        command = [
            "python",
            f"{preparing.FOLDER}/compare_results.py",
            f"--gt_file={results}/*.txt",
            f"--log_file={self.output.relative_to(self.root)}/python_infer_*.log",
        ]
        clock = time.perf_counter()
        result = subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, errors="replace", check=False
        )
        log.write_text(result.stdout + result.stderr, encoding="utf-8")
        equal = result.stdout.count("Assert allclose passed!")
        reason = "" if equal and not result.returncode else evidence.last_line(result.stdout + result.stderr)
        return [
            Verdict(
                "compare with kept results",
                COMPARE,
                reason,
                f"{equal} logs agree with {results}",
                time.perf_counter() - clock,
                log.relative_to(self.root),
            )
        ]

    def _bash(self, script: str, environment: dict[str, str], bar: Optional[tqdm] = None) -> None:
        """Run one of TIPC's scripts, its output into the log, saying which of its stages are done."""
        config = os.path.relpath(self.chain.file.resolve(), self.root)
        command = ["bash", f"{preparing.FOLDER}/{script}", config, self.mode]
        with (
            self.log.open("a", encoding="utf-8") as log,
            subprocess.Popen(
                command,
                cwd=self.root,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            ) as process,
        ):
            assert process.stdout is not None
            for line in process.stdout:
                log.write(evidence.plain(line))
                for stage in evidence.stages(line):
                    self.say(f"    {stage.command.label}")
                    if bar is not None:
                        bar.update()

    def _judge(self, prepared: list[Export], started: float) -> list[Verdict]:
        record = Record.read(self.record)
        status_log = self.output / self.chain.status_log
        stages = list(evidence.stages(status_log.read_text(encoding="utf-8") if status_log.is_file() else ""))
        networks = Networks(self.root, [*prepared, *exports(stages)])
        return Judge(
            self.chain, self.mode, self.root, record, networks.scores, self.order.tolerance, started
        ).verdicts()


@contextlib.contextmanager
def programs() -> Iterator[list[str]]:
    """Folders to look for programs in: one with a ``python`` that notes what it runs, and the running one's own."""
    with tempfile.TemporaryDirectory(prefix="ctrgcn-tipc-") as folder:
        program = Path(folder) / "python"
        script = f'#!/bin/sh\nexec "{sys.executable}" -I -S "{interpreter.__file__}" "$@"\n'
        program.write_text(script, encoding="utf-8")
        program.chmod(0o755)
        yield [folder, str(Path(sys.executable).parent)]
