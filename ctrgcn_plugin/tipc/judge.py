"""Judges a run of TIPC by what it has left behind. What its scripts say of themselves is not enough: they call a
training successful that was never started, and see no numbers.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Optional

import numpy as np

from ctrgcn_plugin.deploy.engines import PADDLE_SUFFIXES
from ctrgcn_plugin.errors import UserError
from ctrgcn_plugin.tipc import evidence
from ctrgcn_plugin.tipc.chain import Chain
from ctrgcn_plugin.tipc.commands import COMPARE, CONVERT, EVAL, EXPORT, PREDICT, QUANTISE, TRAIN, Command
from ctrgcn_plugin.tipc.evidence import Record, Run, Stage

TOLERANCE = 1e-3
# of weights in 8 bits, besides the same likeliest class
INT8_TOLERANCE = 1.0
# fewer losses than these tell nothing of their course
FEWEST_LOSSES = 4
# what upstream and Paddle log
FINISHED = " finished"
IS_STATIC = "Successfully to apply @to_static"
CONVERSION_ERROR = "[Paddle2ONNX] [ERROR]"
# of Paddle, of the fix amp-without-effect, and of the patch of that name
AMP_IS_OFF = ("amp_guard can only be enabled", "--amp has no effect")

# (command that has predicted, clip) -> the trained network's scores (K,)
Reference = Callable[[Command, str], np.ndarray]


class FailureError(Exception):
    """Why a stage has failed, in one line."""


@dataclass(frozen=True)
class Verdict:
    """What came of one stage.

    Attributes:
        stage: what it is, in words.
        purpose: as in :mod:`~ctrgcn_plugin.tipc.commands`.
        reason: why it failed; empty where it has passed.
        detail: its numbers.
        seconds: None where nobody has measured it.
        log: where it has printed.
    """

    stage: str
    purpose: str
    reason: str = ""
    detail: str = ""
    seconds: Optional[float] = None
    log: Optional[Path] = None

    @property
    def passed(self) -> bool:
        return not self.reason


class Judge:
    """Judges the stages of one run.

    Args:
        root: PaddleVideo's folder, which paths in commands are relative to.
        record: what the processes have noted.
        reference: gives the right scores.
        tolerance: of :func:`score_error`.
        started: when the run began, as in time.time().
    """

    def __init__(
        self,
        chain: Chain,
        mode: str,
        root: Path,
        record: Record,
        reference: Reference,
        tolerance: float = TOLERANCE,
        started: float = 0.0,
    ) -> None:
        self.chain = chain
        self.mode = mode
        self.root = root
        self.record = record
        self.reference = reference
        self.tolerance = tolerance
        self.started = started
        self._checks = {
            TRAIN: self._train,
            EVAL: self._eval,
            EXPORT: self._export,
            CONVERT: self._convert,
            PREDICT: self._predict,
            COMPARE: self._compare,
            QUANTISE: self._quantise,
        }

    def verdicts(self) -> list[Verdict]:
        """One for each stage that ran, and one for each kind of stage of which too few did."""
        return [*map(self._judge, self._stages), *self._missing()]

    @cached_property
    def _stages(self) -> list[Stage]:
        file = self.root / self.chain.output(self.mode) / self.chain.status_log
        return list(evidence.stages(_text(file)))

    def _missing(self) -> Iterator[Verdict]:
        there = Counter(stage.command.purpose for stage in self._stages)
        for purpose, count in self.chain.expected(self.mode).items():
            if there[purpose] < count:
                yield Verdict(
                    f"{purpose}: {count} asked for", purpose, f"{there[purpose]} of {count} ran; the script ended early"
                )

    def _judge(self, stage: Stage) -> Verdict:
        run = self.record.run_of(stage.command)
        purpose = stage.command.purpose
        reason = detail = ""
        try:
            self._require_end(stage, run)
            check = self._checks.get(purpose)
            detail = check(stage) if check else ""
        except (FailureError, UserError) as failure:
            reason = str(failure)
        return Verdict(stage.command.label, purpose, reason, detail, run.seconds if run else None, stage.log)

    def _require_end(self, stage: Stage, run: Optional[Run]) -> None:
        log = self._log(stage)
        if run is None and ("command not found" in log or "No such file or directory" in log):
            raise FailureError(
                f"nothing was started: {self.chain.file.name}, line {self.chain.python.number}, names the interpreter "
                f"{stage.command.program!r}, which is not there"
            )
        if run is not None and run.status:
            raise FailureError(f"exit status {run.status}: {evidence.last_line(log)}")
        if not stage.claimed:
            raise FailureError(f"TIPC says that it failed: {evidence.last_line(log)}")

    def _train(self, stage: Stage) -> str:
        log, command = self._log(stage), stage.command
        losses = evidence.losses(log)
        if not losses:
            raise FailureError(f"no loss was logged: {evidence.last_line(log)}")
        broken = [step for step, loss in enumerate(losses) if not math.isfinite(loss)]
        if broken:
            raise FailureError(
                f"the loss is {losses[broken[0]]} at the {broken[0] + 1}. of {len(losses)} it has logged"
            )
        if FINISHED not in log:
            raise FailureError(f"it did not come to its end: {evidence.last_line(log)}")
        if command.override("to_static") == "True" and IS_STATIC not in log:
            raise FailureError("it was to train in static mode, and its log does not say that it did")
        self._require_processes(command)
        detail = f"{len(losses)} losses, {losses[0]:.3f} to {losses[-1]:.3f}"
        # a comparison of two trainings runs too few steps for more
        if TRAIN in self.chain.expected(self.mode):
            detail = _course(losses)
            self._require_files(self._checkpoint(command))
        off = any(said in log for said in AMP_IS_OFF)
        return f"{detail}; mixed precision has no effect on this device" if off else detail

    def _require_processes(self, command: Command) -> None:
        """Every process of a distributed training has a log of its own, written in this run."""
        count = len((command.value("--devices") or "").split(","))
        for rank in range(count if count > 1 else 0):
            log = self.root / "log" / f"workerlog.{rank}"
            if not log.is_file() or log.stat().st_mtime < self.started:
                raise FailureError(f"{count} processes were to train, and there is no log of the {rank + 1}.")

    def _eval(self, stage: Stage) -> str:
        found = evidence.accuracy(self._log(stage))
        if found is None or not all(0 <= part <= 1 for part in found):
            raise FailureError(f"no accuracy was logged: {evidence.last_line(self._log(stage))}")
        return f"top-1 {found[0]:.3f}, top-5 {found[1]:.3f}"

    def _export(self, stage: Stage) -> str:
        folder = stage.command.value("-o", "--output_path")
        name = stage.command.value("--save_name")
        if folder is None or name is None:
            return ""
        stem = self.root / folder / name
        onnx = stem.with_name(f"{name}.onnx")
        if stage.command.value("--format") == "onnx":
            self._require_files(onnx)
            return f"{onnx.stat().st_size / 1e6:.2f} MB"
        models = [stem.with_name(name + suffix) for suffix in PADDLE_SUFFIXES]
        there = [model for model in models if model.is_file()]
        if not there:
            raise FailureError(f"{' or '.join(model.name for model in models)} is missing in {folder}")
        parameters = stem.with_name(f"{name}.pdiparams")
        self._require_files(there[0], parameters)
        return f"{(there[0].stat().st_size + parameters.stat().st_size) / 1e6:.2f} MB"

    def _convert(self, stage: Stage) -> str:
        log = self._log(stage)
        # paddle2onnx ends with status 0 after it
        wrong = next((line.strip() for line in log.splitlines() if CONVERSION_ERROR in line), "")
        if wrong:
            raise FailureError(wrong)
        onnx = self.root / (stage.command.value("--save_file") or "")
        self._require_files(onnx)
        return f"{onnx.stat().st_size / 1e6:.2f} MB"

    def _predict(self, stage: Stage) -> str:
        answers = self.record.answers_of(stage.command)
        if not answers:
            raise FailureError(f"it has predicted nothing: {evidence.last_line(self._log(stage))}")
        right: dict[str, np.ndarray] = {}
        errors, same = [], True
        for answer in answers:
            for file, scores in zip(answer.files, answer.scores):
                if file not in right:
                    right[file] = self.reference(stage.command, file)
                errors.append(score_error(np.array(scores), right[file]))
                same = same and int(np.argmax(scores)) == int(right[file].argmax())
        error = float(np.max(errors))  # NaN where any is
        limit = INT8_TOLERANCE if self._is_quantised(stage.command) else self.tolerance
        # written so that NaN fails
        if not error <= limit or (self._is_quantised(stage.command) and not same):
            raise FailureError(
                f"wrong result: its scores differ from the trained network's by {error:.1e}, {limit:.0e} is allowed"
                + ("" if same else "; another class is the likeliest")
            )
        detail = f"scores within {error:.1e}"
        if stage.command.value("--enable_benchmark") == "True":
            measured = evidence.benchmark(self._log(stage))
            if measured is None:
                raise FailureError("--enable_benchmark=True, and there is no report of times and memory in its log")
            before, inside, after, memory = measured
            detail += f"; {before:.1f} + {inside:.1f} + {after:.1f} ms, {memory:.0f} MB"
        return detail

    def _compare(self, stage: Stage) -> str:
        files = [self.root / word for word in stage.command.words if word.endswith("_loss.txt")]
        losses = [_text(file).split() for file in files]
        if len(files) < 2:
            return evidence.last_line(self._log(stage))
        if not all(losses):
            raise FailureError("no losses to compare were found in the logs of the two trainings")
        return f"first {len(losses[0])} losses equal in dynamic and static mode: {', '.join(losses[0])}"

    def _quantise(self, stage: Stage) -> str:
        folder = stage.command.override("quant_output_dir")
        files = [file for file in (self.root / folder).glob("*") if file.is_file() and file.stat().st_size]
        if not folder or len(files) < 2:
            raise FailureError(f"no quantised model in {folder or 'the folder that it was to be written to'}")
        return f"{sum(file.stat().st_size for file in files) / 1e6:.2f} MB"

    def _is_quantised(self, command: Command) -> bool:
        return "quant" in (command.value("--model_file") or "")

    def _checkpoint(self, command: Command) -> Path:
        return self.root / command.override("output_dir") / f"{self.chain.model_name}_epoch_00001.pdparams"

    def _require_files(self, *files: Path) -> None:
        for file in files:
            if not file.is_file() or not file.stat().st_size:
                raise FailureError(f"{file.name} is missing in {file.parent.relative_to(self.root)}")

    def _log(self, stage: Stage) -> str:
        return _text(self.root / stage.log) if stage.log else ""


def _course(losses: list[float]) -> str:
    """How the losses went; raise a FailureError where they do not fall."""
    if len(losses) < FEWEST_LOSSES:
        raise FailureError(f"{len(losses)} losses are too few to see them fall; set -o log_interval=1")
    first, last = (half.mean() for half in np.array_split(losses, 2))
    if not last < first:
        raise FailureError(f"the loss does not fall: {first:.4f} in the first half, {last:.4f} then")
    return f"loss {first:.3f} to {last:.3f} in {len(losses)} steps"


def score_error(scores: np.ndarray, right: np.ndarray) -> float:
    """The largest difference, relative to the largest right score where that is above 1; infinite for another shape."""
    if scores.shape != right.shape:
        return math.inf
    return float(np.abs(scores - right).max() / max(1.0, np.abs(right).max()))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
