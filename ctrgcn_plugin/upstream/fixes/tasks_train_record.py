"""``paddlevideo.tasks.train``: what a training was made from is known to nobody once it has ended."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Optional

from ctrgcn_plugin.errors import one_line
from ctrgcn_plugin.training.record import RUN, Record
from ctrgcn_plugin.upstream.config_check import concerns_us
from ctrgcn_plugin.upstream.fixes.code import wrapping
from ctrgcn_plugin.upstream.fixes.fix import LACKS, NOT_NEEDED, SWITCH, UNCHECKED, Fix, always, outcomes
from ctrgcn_plugin.upstream.log import logger

NAME = "run-record"


class Recorder:
    """Around train_model and log_epoch: writes the record of a training, and has it complete with the first epoch."""

    def __init__(self) -> None:
        self._record: Optional[Record] = None

    def train_model(self, original: Callable) -> Callable:
        signature = inspect.signature(original)

        def train_model(cfg: Any, *args: Any, **kwargs: Any) -> Any:
            if concerns_us(cfg) and not _rank():
                called = signature.bind(cfg, *args, **kwargs)
                called.apply_defaults()
                self._record = _begin(cfg, {name: called.arguments[name] for name in list(called.arguments)[1:]})
            try:
                result = original(cfg, *args, **kwargs)
                if self._record:
                    self._record.wait()
                return result
            finally:
                self._record = None

        return train_model

    def log_epoch(self, original: Callable) -> Callable:
        def log_epoch(*args: Any, **kwargs: Any) -> Any:
            # other processes give up one that they have waited for too long
            if self._record and not self._record.shared:
                self._record.wait()
            return original(*args, **kwargs)

        return log_epoch


def _begin(config: Any, options: dict[str, Any]) -> Optional[Record]:
    import paddle
    import paddlevideo

    folder = Path(config.get("output_dir", f"./output/{config['model_name']}"))
    root = Path(inspect.getfile(paddlevideo)).resolve().parents[1]
    processes = paddle.distributed.get_world_size()
    try:
        return Record(folder, config, options, root, _fixes(), processes, _warn)
    except Exception as error:
        # of whatever kind: a record is not worth a training
        _warn(f"the training goes on without {folder / RUN}: {type(error).__name__}: {one_line(error)}")
        return None


def _warn(text: str) -> None:
    logger().warning(f"ctrgcn: {text} ({SWITCH}={NAME} switches it off)")


def _fixes() -> dict[str, list[str]]:
    """What came of those that had something to cure -> their names."""
    found: dict[str, list[str]] = {}
    for name, outcome in outcomes.items():
        if outcome.what not in (NOT_NEEDED, UNCHECKED):
            found.setdefault(outcome.what, []).append(name)
    return found


def _rank() -> int:
    import paddle

    return paddle.distributed.get_rank()


def _keep_a_record(module: ModuleType) -> None:
    recorder = Recorder()
    for function in ("train_model", "log_epoch"):
        wrapping(function, getattr(recorder, function))(module)


FIXES = (
    Fix(
        NAME,
        "paddlevideo.tasks.train",
        "tasks/train.py:30",
        "a training leaves no note of the config, seed, versions and data that it was made from",
        LACKS,
        always,
        _keep_a_record,
    ),
)
