"""Checkpoints that a training can go on from exactly: what they have beside weights, and which of them are whole.

The checkpoint of an epoch is three files: upstream's ``<model_name>_epoch_00005.pdopt`` and ``.pdparams``, and
``.state.json``, which is written last and has the checksums of the other two. A set that a kill, a full disk or another
training has left incomplete or mixed does not agree with it. Without it, a pair is as upstream saves it: it can be
resumed, but not exactly.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Optional

from ctrgcn_plugin import unpickling
from ctrgcn_plugin.errors import CheckpointError, one_line
from ctrgcn_plugin.files import replacing

WEIGHTS, OPTIMIZER, STATE = ".pdparams", ".pdopt", ".state.json"
PAIR = (OPTIMIZER, WEIGHTS)
KINDS = {"draws": dict, "samplers": list, "schedule": dict, "scaler": dict, "files": dict, "saved": float}


@dataclass(frozen=True)
class Checkpoint:
    """The files of one epoch of a training, wherever they are there.

    Attributes:
        folder: the training's output folder.
        model_name: of its config.
        epoch: how many epochs it had done, from 1.
    """

    folder: Path
    model_name: str
    epoch: int

    def file(self, suffix: str) -> Path:
        """The file that ends so."""
        return self.folder / f"{self.model_name}_epoch_{self.epoch:05d}{suffix}"

    def state_file(self, rank: int = 0) -> Path:
        """The state of one of the processes of a training; each draws numbers of its own."""
        return self.file(f".rank{rank}{STATE}" if rank else STATE)


@dataclass(frozen=True)
class State:
    """What a training needs to go on from a checkpoint as if it had never stopped, beside its files.

    Attributes:
        draws: of the random generators, see :mod:`ctrgcn_plugin.training.randomness`.
        samplers: how often those of training and, where there is one, validation have shuffled.
        schedule: what has changed in the learning rate's schedule; Paddle's own state dict has a part of it.
        scaler: the state dict of AMP's GradScaler, empty without one.
        best: what :mod:`ctrgcn_plugin.training.best` had noted until then.
        files: suffix -> SHA-256 of the files that it belongs to.
        saved: when, in seconds since 1970.
    """

    draws: dict[str, Any]
    samplers: list[int]
    schedule: dict[str, float]
    scaler: dict[str, Any]
    best: Optional[dict[str, float]] = None
    files: dict[str, str] = field(default_factory=dict)
    saved: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        for name, kind in KINDS.items():
            if not isinstance(getattr(self, name), kind):
                raise TypeError(f"its {name} are no {kind.__name__}")


@contextmanager
def saving(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file that becomes part of a checkpoint when the block ends well, and then outlives the machine going down.

    Raises:
        CheckpointError: it cannot be written, for instance because the disk is full. What it was to replace is intact.
    """
    try:
        with replacing(path, durable=True) as file:
            yield file
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be saved: {error.strerror or one_line(error)}; what was saved before is as it was"
        ) from error


def checksums(checkpoint: Checkpoint) -> dict[str, str]:
    """suffix -> SHA-256 of a checkpoint's weights and optimizer."""
    return {suffix: hashlib.sha256(checkpoint.file(suffix).read_bytes()).hexdigest() for suffix in PAIR}


def write(file: Path, state: State) -> None:
    """Save a state; to be called when the files that it belongs to are there."""
    with saving(file) as opened:
        opened.write(json.dumps(asdict(state)).encode())


def read(file: Path) -> Optional[State]:
    """A state as :func:`write` saved it; None where there is none.

    Raises:
        CheckpointError: the file is something else.
    """
    try:
        return State(**json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{file} cannot be read: {one_line(error)}") from error


def newest(folder: Path, model_name: str) -> Optional[int]:
    """The epoch that was saved last of those that a training can go on from exactly; None where there is none.

    The last that was saved, and not the one with the highest number: that may be of an earlier training.
    """
    saved = {epoch: state.saved for epoch, state in _whole(folder, model_name).items() if state}
    return max(saved, key=saved.__getitem__, default=None)


def check(checkpoint: Checkpoint) -> Optional[State]:
    """The state of a checkpoint that a training can go on from; None of one that was saved without.

    Raises:
        CheckpointError: it cannot; the message says from which epochs it can.
    """
    try:
        return _examine(checkpoint)
    except CheckpointError as error:
        advice = which_can(checkpoint.folder, checkpoint.model_name)
        raise CheckpointError(f"resume_epoch={checkpoint.epoch}: {error}; {advice}") from error


def which_can(folder: Path, model_name: str) -> str:
    """Which epochs a training can be resumed from, as the end of a message."""
    whole = _whole(folder, model_name)
    if not whole:
        return f"no epoch in {folder} can be resumed, set resume_epoch=0 to train from the start"
    last = newest(folder, model_name) or max(whole)
    return f"epochs that can be resumed: {', '.join(map(str, whole))}, the newest with -o resume_epoch={last}"


def _whole(folder: Path, model_name: str) -> dict[int, Optional[State]]:
    """epoch -> state of the checkpoints in a folder that are whole, by their numbers."""
    name = re.compile(rf"{re.escape(model_name)}_epoch_(\d{{5,}}){re.escape(WEIGHTS)}")
    matches = (name.fullmatch(path.name) for path in (folder.iterdir() if folder.is_dir() else ()))
    whole = {}
    for epoch in sorted(int(match[1]) for match in matches if match):
        with suppress(CheckpointError):
            whole[epoch] = _examine(Checkpoint(folder, model_name, epoch))
    return whole


def _examine(checkpoint: Checkpoint) -> Optional[State]:
    """The state of a checkpoint, if it has one; raises a CheckpointError where its files are not whole."""
    files = [checkpoint.file(suffix) for suffix in PAIR]
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        raise CheckpointError(f"there is no {' and no '.join(missing)}")
    state = read(checkpoint.state_file())
    if state is None:
        for file in files:
            _unpickle(file)
    elif checksums(checkpoint) != state.files:
        raise CheckpointError(
            f"{' and '.join(file.name for file in files)} were not saved together with {checkpoint.state_file()}"
        )
    return state


def _unpickle(file: Path) -> None:
    """Raise a CheckpointError for half a file, which nothing but reading it can tell."""
    try:
        with file.open("rb") as opened:
            unpickling.load(opened, encoding="latin1")
    except unpickling.Refused:
        # whole, and for whoever loads it to refuse
        return
    except Exception as error:
        raise CheckpointError(f"{file} cannot be read: {type(error).__name__}: {one_line(error)}") from error
