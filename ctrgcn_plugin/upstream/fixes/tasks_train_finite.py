"""``paddlevideo.tasks.train``: a training goes on, and saves, with numbers that are NaN.

Every batch is looked at when the network has answered it, before anything is learned of it, and the weights at the end
of every epoch, before they are validated and saved. Upstream's record waits for the device in each step; so does this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import ModuleType
from typing import Any

from ctrgcn_plugin.data.prepared import read_labels
from ctrgcn_plugin.errors import ClipError
from ctrgcn_plugin.sections import output_folder
from ctrgcn_plugin.upstream.config_check import concerns_us
from ctrgcn_plugin.upstream.fixes.code import mentions
from ctrgcn_plugin.upstream.fixes.fix import FALSIFIES, Fix
from ctrgcn_plugin.upstream.fixes.observing import Observer

# what a PaddleVideo that looks itself has a function of this name for
CHECK = "require_finite"
TRAIN, VALID = "train", "valid"
LOWER = "with a lower OPTIMIZER.learning_rate"
MENDED = "with mended data (ctrgcn data check DIR --fix OUT_DIR)"


class Training:
    """One call of train_model: its numbers, looked at before anything is made of them.

    Raises:
        NotFiniteError: from the model's call, or from `look_at_epoch`.
    """

    def __init__(self, cfg: Mapping[str, Any]) -> None:
        self._cfg = cfg
        self._done = cfg.get("resume_epoch") or 0
        self._samplers: dict[str, Any] = {}
        self._model: Any = None

    def watch_model(self, model: Any) -> None:
        self._model = model
        model.register_forward_post_hook(self._look)

    def watch_loader(self, loader: Any) -> None:
        from ctrgcn_plugin.training import batches

        # validation keeps its last batch, however small
        part = TRAIN if loader.batch_sampler.drop_last else VALID
        self._samplers[part] = batches.noting(loader.batch_sampler)

    def look_at_epoch(self, record: Any, epoch: int, mode: str, *_: Any) -> None:
        """Look at the weights of an epoch that has been trained."""
        if mode != TRAIN or self._model is None:
            return
        from ctrgcn_plugin.training import finite

        wrong = finite.weights_not_finite(self._model.state_dict())
        if wrong:
            raise finite.NotFiniteError(
                f"epoch {epoch}: {len(wrong)} of the model's weights have become NaN or infinite, the first is "
                f"{wrong[0]}; they are not saved. {self._advice(LOWER)}"
            )
        self._done = epoch

    def _look(self, model: Any, inputs: Sequence[Any], outputs: Any) -> None:
        if not isinstance(outputs, Mapping):
            return
        from ctrgcn_plugin.training import finite

        part = TRAIN if model.training else VALID
        sampler = self._samplers[part]
        batch, clips, loss = sampler.take(), inputs[0][0], outputs["loss"]
        if finite.all_finite(clips, loss):
            return
        place = f"epoch {self._done + (part == TRAIN)}, {part} step {sampler.step}"
        rows = finite.rows_not_finite(clips)
        if rows:
            mixed = " (mixed with each other)" if len(rows) > 1 and part == TRAIN and self._cfg.get("MIX") else ""
            raise finite.NotFiniteError(
                f"{place}: the pipeline gives NaN or infinite values of {self._names(part, batch, rows)}{mixed}; "
                f"nothing was learned of this batch. {self._advice(MENDED)}"
            )
        raise finite.NotFiniteError(
            f"{place}: the loss is {float(loss)}; nothing was learned of this batch, which is "
            f"{self._names(part, batch, range(len(batch)))}. {self._advice(LOWER)}"
        )

    def _names(self, part: str, batch: Sequence[int], rows: Sequence[int]) -> str:
        path = self._cfg["DATASET"][part].get("label_path")
        names: Sequence[str] = ()
        with suppress(ClipError):
            names = read_labels(path).names if path else ()
        clips = (batch[row] for row in rows if row < len(batch))
        return ", ".join(names[clip] if names else f"clip {clip} (from 0)" for clip in clips) or "unknown clips"

    def _advice(self, how: str) -> str:
        """Where to go on from, and `how`."""
        from ctrgcn_plugin.training import finite

        good = finite.newest_finite(output_folder(self._cfg), self._cfg["model_name"])
        if good is None:
            return f"No checkpoint with finite weights was saved: start again {how}"
        return f"The last good checkpoint is {good.file('.pdparams')}: -o resume_epoch={good.epoch}, {how}"


def _does_not_look(module: ModuleType) -> bool:
    return not mentions(module.train_model, CHECK)


def _look(module: ModuleType) -> None:
    observer = Observer(module, lambda cfg, *_, **__: Training(cfg) if concerns_us(cfg) else None)
    observer.result("build_model", Training.watch_model)
    observer.result("build_dataloader", Training.watch_loader)
    observer.after("log_epoch", Training.look_at_epoch)


FIXES = (
    Fix(
        "training-past-nan",
        "paddlevideo.tasks.train",
        "tasks/train.py:240",
        "a training goes on with NaN, often at the loss of a network that guesses, saves that, and ends well",
        FALSIFIES,
        _does_not_look,
        _look,
    ),
)
