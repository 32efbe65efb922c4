"""``paddlevideo.tasks.train``: what a training was made from is known to nobody once it has ended."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType
from typing import Any, Optional

from ctrgcn_plugin.errors import one_line
from ctrgcn_plugin.sections import output_folder
from ctrgcn_plugin.training.record import RUN, Record
from ctrgcn_plugin.upstream.config_check import concerns_us
from ctrgcn_plugin.upstream.fixes.fix import LACKS, NOT_NEEDED, SWITCH, UNCHECKED, Fix, always, outcomes
from ctrgcn_plugin.upstream.fixes.observing import Observer
from ctrgcn_plugin.upstream.log import logger
from ctrgcn_plugin.upstream.ranks import rank, ranks

NAME = "run-record"


def _begin(config: Any, options: dict[str, Any]) -> Optional[Record]:
    import paddlevideo

    folder = output_folder(config)
    root = Path(inspect.getfile(paddlevideo)).resolve().parents[1]
    processes = ranks()
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


def _keep_a_record(module: ModuleType) -> None:
    signature = inspect.signature(module.train_model)

    def begin(cfg: Any, *args: Any, **kwargs: Any) -> Optional[Record]:
        if not concerns_us(cfg) or rank():
            return None
        called = signature.bind(cfg, *args, **kwargs)
        called.apply_defaults()
        return _begin(cfg, {name: called.arguments[name] for name in list(called.arguments)[1:]})

    observer = Observer(module, begin, succeeded=Record.wait)
    observer.before("log_epoch", _complete)


def _complete(record: Record, *_: Any, **__: Any) -> None:
    """Have a record complete with the first epoch, but where other processes give up one that they wait for."""
    if not record.shared:
        record.wait()


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
