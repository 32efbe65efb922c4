"""What a run of TIPC leaves behind: its status log, the notes of its processes, the logs of its stages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from ctrgcn_plugin.tipc.commands import Command

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_STATUS = re.compile(r"Run (successfully|failed) with command - (.*)")
_REDIRECTED = re.compile(r">>?\s*(\S+)\s+2>&1")
_STEP = re.compile(r"epoch:\[\s*\d+/\d+\s*\]\s+train step:\d+\s+loss: (\S+)")
_EPOCH = re.compile(r"END epoch:\d+\s+train\s*loss_avg: (\S+)")
_TESTED = re.compile(r"avg_acc1=\s*(\S+?),\s*avg_acc5=\s*(\S+)")
_TIMES = re.compile(r"preprocess_time\(ms\): (\S+), inference_time\(ms\): (\S+), postprocess_time\(ms\): (\S+)")
_MEMORY = re.compile(r"cpu_rss\(MB\): ([\d.]+)")


@dataclass(frozen=True)
class Stage:
    """One command that TIPC has run, as its status log tells of it.

    Attributes:
        claimed: what TIPC says became of it.
        log: file of what it printed, relative to PaddleVideo's folder.
    """

    command: Command
    claimed: bool
    log: Optional[Path]


@dataclass(frozen=True)
class Run:
    """A process that was started as ``python``: its arguments, how long it took, how it ended."""

    argv: tuple[str, ...]
    seconds: float
    status: int


@dataclass(frozen=True)
class Answer:
    """Scores that a predicting process has computed: (N, K) for N files, in the order it ran them."""

    argv: tuple[str, ...]
    files: tuple[str, ...]
    scores: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Record:
    """The notes of all processes of a run, in the order they ended."""

    runs: Sequence[Run] = field(default=())
    answers: Sequence[Answer] = field(default=())

    @classmethod
    def read(cls, file: Path) -> Record:
        """An empty record where there is no file: no process was started."""
        if not file.is_file():
            return cls()
        notes = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        return cls(
            [Run(tuple(note["argv"]), note["seconds"], note["status"]) for note in notes if "status" in note],
            [_answer(note) for note in notes if "scores" in note],
        )

    def run_of(self, command: Command) -> Optional[Run]:
        """The last process with a command's arguments."""
        return next((run for run in reversed(self.runs) if run.argv == command.arguments()), None)

    def answers_of(self, command: Command) -> list[Answer]:
        """All that a command has predicted; its arguments begin with the script's path, as in ``sys.argv``."""
        return [answer for answer in self.answers if answer.argv == command.arguments()]


def _answer(note: dict[str, Any]) -> Answer:
    return Answer(tuple(note["argv"]), tuple(note["files"]), tuple(map(tuple, note["scores"])))


def plain(text: str) -> str:
    """`text` without colours."""
    return _COLOUR.sub("", text)


def stages(status_log: str) -> Iterator[Stage]:
    """The stages that a status log tells of, in their order."""
    for claimed, rest in _STATUS.findall(plain(status_log)):
        # model - command - log; the last is empty or missing in some scripts
        _, command, *log = (part.strip() for part in rest.split(" - "))
        redirected = _REDIRECTED.search(command)
        name = (log[0] if log else "") or (redirected[1] if redirected else "")
        yield Stage(Command.parse(command), claimed == "successfully", Path(name) if name else None)


def losses(log: str) -> list[float]:
    """The training losses that a log has: of every step, else of every epoch."""
    log = plain(log)
    return [_number(text) for text in _STEP.findall(log)] or [_number(text) for text in _EPOCH.findall(log)]


def accuracy(log: str) -> Optional[tuple[float, float]]:
    """(top-1, top-5) of 1 that a test has logged."""
    found = _TESTED.search(plain(log))
    return (_number(found[1]), _number(found[2])) if found else None


def benchmark(log: str) -> Optional[tuple[float, float, float, float]]:
    """Milliseconds of pre-processing, inference and post-processing, and MB of memory, from AutoLog's report."""
    times, memory = _TIMES.search(log), _MEMORY.search(log)
    if times is None or memory is None:
        return None
    return _number(times[1]), _number(times[2]), _number(times[3]), _number(memory[1])


def last_line(log: str) -> str:
    """The last line with anything in it, where Python and this package say what went wrong."""
    return next((line.strip() for line in reversed(plain(log).splitlines()) if line.strip()), "it printed nothing")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
