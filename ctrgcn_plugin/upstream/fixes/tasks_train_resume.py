"""``paddlevideo.tasks.train``: a training that is resumed is another than one that was never stopped.

Upstream saves weights and optimizer. What else a training has is gathered here as upstream builds it, saved with each
checkpoint, and put back when upstream loads one.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Optional

from ctrgcn_plugin import curves
from ctrgcn_plugin.errors import CheckpointError, ConfigError
from ctrgcn_plugin.files import remove_stale
from ctrgcn_plugin.sections import output_folder
from ctrgcn_plugin.training import best, state
from ctrgcn_plugin.training.state import OPTIMIZER, WEIGHTS, Checkpoint, State
from ctrgcn_plugin.upstream.config_check import concerns_us
from ctrgcn_plugin.upstream.fixes.code import wrapping
from ctrgcn_plugin.upstream.fixes.fix import LACKS, Fix, always
from ctrgcn_plugin.upstream.fixes.observing import Observer
from ctrgcn_plugin.upstream.fixes.proxy import Proxy
from ctrgcn_plugin.upstream.log import logger
from ctrgcn_plugin.upstream.ranks import rank

NAME = "exact-resume"


class Training:
    """One call of train_model: what it has beside weights and optimizer.

    Args:
        folder: where it saves its checkpoints.
        model_name: of its config.
        resumed: the epoch that it goes on from, 0 for none.
        rank: which of the training's processes this is.

    Attributes:
        samplers: of its loaders.
        scaler: AMP's, if there is one.
    """

    def __init__(self, folder: Path, model_name: str, resumed: int, rank: int) -> None:
        self._folder, self._model_name, self._rank = folder, model_name, rank
        self._resumed: Optional[State] = None
        self._best: Optional[dict[str, float]] = None
        self._better = False
        self.samplers: list[Any] = []
        self.scaler: Any = None
        self._schedule: Any = None
        self._schedule_at_first: dict[str, Any] = {}
        if resumed:
            self._find(Checkpoint(folder, model_name, resumed))

    def _find(self, checkpoint: Checkpoint) -> None:
        found = state.check(checkpoint)
        self._best = found.best if found else self._noted()
        self._resumed = state.read(checkpoint.state_file(self._rank)) if self._rank else found
        if self._resumed is None:
            logger().warning(
                f"Resume: there is no {checkpoint.state_file(self._rank)}, so this is not exact: weights, optimizer "
                "and the order of the data go on, random numbers start anew"
            )

    def _noted(self) -> Optional[dict[str, float]]:
        noted = best.read(self._folder, self._model_name)
        return asdict(noted) if noted else None

    def watch_loader(self, loader: Any) -> None:
        self.samplers.append(loader.batch_sampler)

    def watch_schedule(self, schedule: Any) -> None:
        """Have what changes of a learning rate's schedule from here on saved."""
        self._schedule, self._schedule_at_first = schedule, dict(vars(schedule))

    def watch_scaler(self, scaler: Any) -> None:
        self.scaler = scaler

    def loaded(self, path: Any) -> None:
        """A file is loaded; the optimizer's is the last."""
        if str(path).endswith(OPTIMIZER):
            self.put_back()

    def put_back(self) -> None:
        """Give everything the state that was saved, if it was."""
        from ctrgcn_plugin.training import randomness

        saved = self._resumed
        if saved is None:
            return
        try:
            for sampler, epoch in zip(self.samplers, saved.samplers):
                sampler.set_epoch(epoch)
            vars(self._schedule).update(saved.schedule)
            if self.scaler and saved.scaler:
                self.scaler.load_state_dict(saved.scaler)
            randomness.restore(saved.draws)
        except (ValueError, TypeError, KeyError) as error:
            raise CheckpointError(
                f"the {state.STATE} of the checkpoint that is resumed is damaged: {error!r}; remove it to resume "
                "without it, not exactly"
            ) from error
        logger().info("Resume: exact, with all that was saved beside weights and optimizer")

    def saved(self, path: Path) -> None:
        """A file is saved. If it completes the checkpoint of an epoch, save the state beside it."""
        before, after = f"{self._model_name}_epoch_", WEIGHTS
        if path.name == f"{self._model_name}_best{WEIGHTS}":
            # its note is of this training from here on, and not of one that was here before
            self._better = True
        elif path.name.startswith(before) and path.name.endswith(after):
            epoch = int(path.name[len(before) : -len(after)])
            self._save(Checkpoint(self._folder, self._model_name, epoch))

    def _save(self, checkpoint: Checkpoint) -> None:
        from ctrgcn_plugin.training import randomness

        if self._better:
            self._best, self._better = self._noted(), False
        changed = {
            name: value
            for name, value in vars(self._schedule).items()
            if isinstance(value, numbers.Real) and value != self._schedule_at_first.get(name)
        }
        now = State(
            draws=randomness.snapshot(),
            samplers=[sampler.epoch for sampler in self.samplers],
            schedule=_plain(changed),
            scaler=_plain(self.scaler.state_dict()) if self.scaler else {},
            best=self._best,
            files={} if self._rank else state.checksums(checkpoint),
        )
        state.write(checkpoint.state_file(self._rank), now)

    def which_can(self) -> str:
        """Which epochs it can be resumed from."""
        return state.which_can(self._folder, self._model_name)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers and arrays of NumPy as Python's, for JSON."""
    return {name: value.tolist() if hasattr(value, "tolist") else value for name, value in values.items()}


def _begin(cfg: Mapping[str, Any], *_: Any, **__: Any) -> Optional[Training]:
    if not concerns_us(cfg):
        return None
    folder, resumed = output_folder(cfg), resumed_epoch(cfg)
    if not rank():
        for place in (folder, folder / curves.FOLDER):
            remove_stale(place)
    training = Training(folder, cfg["model_name"], resumed, rank())
    if resumed and resumed >= cfg["epochs"]:
        logger().warning(f"Resume: {resumed} epochs are done of {cfg['epochs']}, there is nothing left to train")
    return training


def resumed_epoch(cfg: Mapping[str, Any]) -> int:
    """The epoch that a config resumes, 0 for none."""
    epoch = cfg.get("resume_epoch") or 0
    if not isinstance(epoch, int) or isinstance(epoch, bool) or epoch < 0:
        raise ConfigError(f"resume_epoch must be the number of a saved epoch, or 0 for none, got {epoch!r}")
    return epoch


def _observe(module: ModuleType) -> None:
    observer = Observer(module, _begin)
    observer.result("build_dataloader", Training.watch_loader)
    observer.result("build_lr", Training.watch_schedule)
    observer.after("load", Training.loaded)
    wrapping("save", partial(_saving, observer))(module)
    scaler = observer.showing(module.amp.GradScaler, Training.watch_scaler)  # type: ignore[attr-defined]
    module.amp = Proxy(module.amp, GradScaler=scaler)  # type: ignore[attr-defined]


def _saving(observer: Observer[Training], original: Callable) -> Callable:
    def save(obj: Any, path: Any, *args: Any, **kwargs: Any) -> None:
        try:
            original(obj, path, *args, **kwargs)
            if observer.training:
                observer.training.saved(Path(path))
        except CheckpointError as error:
            advice = f"; {observer.training.which_can()}" if observer.training else ""
            raise CheckpointError(f"{error}{advice}") from error

    return save


FIXES = (
    Fix(
        NAME,
        "paddlevideo.tasks.train",
        "tasks/train.py:159",
        "a resumed training draws other random numbers, and resume_epoch takes checkpoints that are half of two",
        LACKS,
        always,
        _observe,
    ),
)
