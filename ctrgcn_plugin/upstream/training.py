"""Trainings by upstream's main.py from their beginning to what comes after: started, gone on with, done again."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Optional

from ctrgcn_plugin import configs, terminal
from ctrgcn_plugin.errors import UserError
from ctrgcn_plugin.sections import output_folder
from ctrgcn_plugin.training import best, record, reproduce, state, surroundings
from ctrgcn_plugin.upstream import locate, running

SEED = 1234  # as upstream has it
# what paddle.distributed.launch tells each process
RANK, PROCESSES = "PADDLE_TRAINER_ID", "PADDLE_TRAINERS_NUM"


@dataclass(frozen=True)
class Asked:
    """What a user asks main.py for.

    Attributes:
        config: a file, or a shipped config's name.
        overrides: ``key.key=value``, for its -o.
        weights: to begin with.
        validate: after each epoch, which is also what chooses the best checkpoint.
        more: main.py's own arguments.
    """

    config: str
    overrides: Sequence[str] = ()
    seed: int = SEED
    weights: Optional[str] = None
    validate: bool = True
    more: Sequence[str] = field(default_factory=tuple)

    def arguments(self) -> list[str]:
        """For main.py."""
        arguments = ["-c", self.config, "--seed", str(self.seed)]
        arguments += ["--validate"] if self.validate else []
        arguments += ["--weights", self.weights] if self.weights else []
        return arguments + [part for override in self.overrides for part in ("-o", override)] + list(self.more)


@dataclass(frozen=True)
class Output:
    """A training's output folder, and what its files are called by."""

    folder: Path
    model_name: str

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Output:
        """As upstream finds it in a config."""
        return cls(output_folder(config), str(config["model_name"]))

    def weights(self, what: str = "*") -> list[Path]:
        """Checkpoints, by name."""
        return sorted(self.folder.glob(f"{self.model_name}_{what}{state.WEIGHTS}"))


def train(asked: Asked, resume: bool = False, paddlevideo: Optional[Path] = None) -> None:
    """Train in this process; upstream's log goes where its log goes.

    Args:
        resume: go on from the newest checkpoint that can be gone on from exactly; from the beginning without one.
        paddlevideo: its folder; found where it is None.

    Raises:
        UserError: the folder has checkpoints and `resume` is off, or they cannot be resumed.
    """
    upstream = locate.find(paddlevideo)
    config = configs.load(asked.config, asked.overrides, need=("MODEL", "model_name", "epochs"))
    output = Output.of(config)
    if resume:
        done = _resumable(output)
        if done >= config["epochs"]:
            _say_what_is_there(output, upstream, f"all {done} epochs are trained")
            return
        if done:
            _say_what_changed(output, config)
            # what it began with is in the checkpoint
            asked = replace(asked, weights=None, overrides=[*asked.overrides, f"{record.RESUME}={done}"])
        terminal.note(
            f"going on after epoch {done}" if done else f"no checkpoint in {output.folder}: from the beginning"
        )
    else:
        _require_none(output, "go on with it with --resume, ")
    running.run_here(upstream.main, asked.arguments())
    _say_what_is_there(output, upstream, "trained")


def again(
    folder: Path, overrides: Sequence[str] = (), weights: Optional[str] = None, paddlevideo: Optional[Path] = None
) -> bool:
    """Do a training again from its record, in this process; whether its curves came out the same, to the bit.

    Args:
        overrides: where its data are now, and ``output_dir``; by default the folder's name with ``_again``.

    Raises:
        UserError: it cannot be done again, see :func:`ctrgcn_plugin.training.reproduce.plan`.
    """
    plan = reproduce.plan(folder, overrides, weights, int(os.environ.get(PROCESSES, 1)))
    output = Output.of(plan.config)
    _require_none(output, "")
    root = plan.start.sources.get("PaddleVideo", {}).get("path", "")
    upstream = locate.find(paddlevideo or (root if locate.is_upstream(root) else None))
    for name, value in plan.variables.items():
        terminal.note(f"{name}={value}, as then" if value is not None else f"{name} is not set, as then")
        # before Paddle is imported, which reads them
        os.environ.pop(name, None) if value is None else os.environ.update({name: value})
    then = asdict(plan.start)
    now = surroundings.found(upstream.root)
    for line in reproduce.differences({section: then[section] for section in now}, now):
        terminal.note(line)
    running.run_here(upstream.main, plan.arguments)
    if not _is_first():
        return True
    for start in record.read(output.folder)[-1:]:
        for line in reproduce.differences({"fixes": then["fixes"]}, {"fixes": start.fixes}):
            terminal.note(line)
    found = reproduce.compare(folder, output.folder)
    terminal.say(f"{output.folder} against {folder}: {found.text}")
    return found.equal


def _require_none(output: Output, advice: str) -> None:
    there = [file.name for file in output.weights()]
    if there and _is_first():
        raise UserError(
            f"{output.folder} has a training already ({', '.join(there[-2:])}); {advice}train into another folder with "
            "-o output_dir=DIR, or delete it"
        )


def _resumable(output: Output) -> int:
    """The epoch to go on from; 0 for the beginning, where no more than the first epoch is lost by that."""
    newest = state.newest(output.folder, output.model_name)
    lost = [file for file in output.weights("epoch_*") if not file.stem.endswith("_00001")]
    if newest is None and lost:
        raise UserError(
            f"{output.folder} has no checkpoint that can be gone on from exactly, but {lost[-1].name}; "
            f"{state.which_can(output.folder, output.model_name)}"
        )
    return newest or 0


def _say_what_changed(output: Output, config: Mapping[str, Any]) -> None:
    """Of the config of a training that is to go on."""
    recorded = output.folder / record.CONFIG
    if recorded.is_file():
        for line in reproduce.differences(configs.load(recorded), config):
            terminal.note(line)


def _say_what_is_there(output: Output, upstream: locate.Upstream, what: str) -> None:
    """How good it is, where the checkpoint is, what to run next."""
    if not _is_first():
        return
    noted = best.read(output.folder, output.model_name)
    name = "best" if noted else "epoch_*"
    found = output.weights(name)
    if not found:
        raise UserError(f"{output.folder} has no checkpoint of {output.model_name}; upstream's log above says why")
    terminal.say(f"{what}: {f'best top-1 {noted.best:.2%} in epoch {noted.epoch}, ' if noted else ''}{found[-1]}")
    config = output.folder / record.CONFIG
    if config.is_file():
        tested = [str(upstream.main), "--test", "-c", str(config), "-w", str(found[-1])]
        terminal.hand_over(f"test:   ctrgcn run {shlex.join(tested)}")
        terminal.hand_over(f"report: ctrgcn report {shlex.join(['-c', str(config), '--run', str(output.folder)])}")
        terminal.hand_over(f"export: ctrgcn export {shlex.join(['-c', str(config), '-p', str(found[-1])])}")


def _is_first() -> bool:
    """Whether this process is the one that says and writes."""
    return os.environ.get(RANK, "0") == "0"
