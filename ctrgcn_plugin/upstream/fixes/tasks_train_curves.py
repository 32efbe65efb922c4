"""``paddlevideo.tasks.train``: how a training goes is in its log alone, of every tenth step.

Upstream's record knows every step: its meter of a batch's time is the last to be updated. It is listened to there,
after the numbers were taken from the device for the record's own sake.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Optional, Protocol

from ctrgcn_plugin import curves
from ctrgcn_plugin.curves import CsvFiles, Curves
from ctrgcn_plugin.errors import one_line
from ctrgcn_plugin.sections import output_folder
from ctrgcn_plugin.upstream import visualdl_log
from ctrgcn_plugin.upstream.config_check import concerns_us
from ctrgcn_plugin.upstream.fixes.fix import LACKS, SWITCH, Fix, always
from ctrgcn_plugin.upstream.fixes.observing import Observer
from ctrgcn_plugin.upstream.log import logger
from ctrgcn_plugin.upstream.ranks import rank
from ctrgcn_plugin.upstream.visualdl_log import METERS, VisualDLLog

CSV, VISUALDL = "curves", "curves-visualdl"
MAKERS = "ctrgcn_makers_of_curves"

Row = Mapping[str, Optional[float]]


class Sink(Protocol):
    """What takes the rows of a training."""

    def step(self, row: Row) -> None: ...
    def epoch(self, row: Row) -> None: ...
    def close(self) -> None: ...


Makers = Mapping[str, Callable[[Path, Curves], Sink]]


class Training:
    """One call of train_model: its record's numbers, given to sinks. A sink that fails is left out from there on.

    Args:
        folder: where the training saves its checkpoints.
        done: number of epochs that it does not repeat.
        makers: by the fix's name, what makes each sink from the folder and the rows of those epochs.
    """

    def __init__(self, folder: Path, done: int, makers: Makers) -> None:
        self._folder, self._done, self._makers = folder, done, makers
        self._sinks: Optional[dict[str, Sink]] = None
        self._steps = 0
        self._seconds = 0.0

    def listen(self, record: dict[str, Any]) -> None:
        """Have every step that a record is updated with noted; of a validation, which has no `lr`, none."""
        meter = record["batch_time"]
        update = meter.update

        def noted(*args: Any, **kwargs: Any) -> None:
            update(*args, **kwargs)
            if "lr" in record:
                self._note_step(record)

        meter.update = noted

    def _note_step(self, record: Mapping[str, Any]) -> None:
        if self._sinks is None:
            # not before the first step: a training that does not come so far leaves an older one's curves
            self._begin()
        self._steps += 1
        values = {name: _value(record, name, "val") for name in (*METERS, "lr")}
        seconds = _value(record, "batch_time", "val")
        self._give("step", {"epoch": self._done + 1, "step": self._steps, **values, "seconds": seconds})

    def note_epoch(self, record: Mapping[str, Any], epoch: int, mode: str, *_: Any) -> None:
        """Note an epoch whose training, or validation, has ended."""
        training = mode == "train"
        self._seconds = (0.0 if training else self._seconds) + record["batch_time"].sum
        part = "train" if training else "valid"
        row = {f"{part}_{name}": _value(record, name, "avg") for name in METERS}
        if training:
            row["lr"] = _value(record, "lr", "val")
            self._done = epoch
        self._give("epoch", {"epoch": epoch, **row, "seconds": self._seconds})

    def close(self) -> None:
        """Close the sinks."""
        self._give("close")

    def _begin(self) -> None:
        self._sinks = {}
        kept = self._attempt(CSV, self._kept)
        if kept is None:
            return
        self._steps = kept.last_step
        for name, make in self._makers.items():
            sink = self._attempt(name, make, self._folder, kept)
            if sink is not None:
                self._sinks[name] = sink

    def _kept(self) -> Curves:
        found = curves.read(self._folder) if self._done else None
        return (found or Curves()).until(self._done)

    def _give(self, what: str, *row: Row) -> None:
        for name, sink in list((self._sinks or {}).items()):
            self._attempt(name, getattr(sink, what), *row)

    def _attempt(self, name: str, do: Callable, *args: Any) -> Any:
        try:
            return do(*args)
        except Exception as error:
            # of whatever kind: a curve is not worth a training
            (self._sinks or {}).pop(name, None)
            reason = f"{type(error).__name__}: {one_line(error)}"
            logger().warning(
                f"ctrgcn: the training goes on without {name}: {reason} ({SWITCH}={name} switches them off)"
            )
            return None


def _value(record: Mapping[str, Any], name: str, kind: str) -> Optional[float]:
    """A meter's last value, ``val``, or its mean, ``avg``; None where it was never updated."""
    meter = record.get(name)
    return float(getattr(meter, kind)) if meter is not None and meter.count else None


def _begin(makers: Makers, cfg: Mapping[str, Any]) -> Optional[Training]:
    if not concerns_us(cfg) or rank():
        return None
    return Training(output_folder(cfg), cfg.get("resume_epoch") or 0, makers)


def _giving_to(name: str, make: Callable[[Path, Curves], Sink]) -> Callable[[ModuleType], None]:
    """A cure that has a module's trainings observed, and what is seen given to a sink of this kind as well."""

    def cure(module: ModuleType) -> None:
        if not hasattr(module, MAKERS):
            makers: dict[str, Callable[[Path, Curves], Sink]] = {}
            observer = Observer(module, lambda cfg, *_, **__: _begin(makers, cfg), ended=Training.close)
            observer.result("build_record", Training.listen)
            observer.before("log_epoch", Training.note_epoch)
            setattr(module, MAKERS, makers)
        getattr(module, MAKERS)[name] = make

    return cure


FIXES = (
    Fix(
        CSV,
        "paddlevideo.tasks.train",
        "tasks/train.py:268",
        "a training leaves no curves, only a log of every tenth step",
        LACKS,
        always,
        _giving_to(CSV, CsvFiles),
    ),
    Fix(
        VISUALDL,
        "paddlevideo.tasks.train",
        "tasks/train.py:268",
        "VisualDL is installed, and there is nothing for it to show",
        LACKS,
        lambda _: visualdl_log.installed(),
        _giving_to(VISUALDL, VisualDLLog),
    ),
)
