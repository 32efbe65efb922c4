"""A training done again from its record: whether it can be, what is different, whether its curves are the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from ctrgcn_plugin import configs, curves
from ctrgcn_plugin.curves import NUMBERS, Curves, Row
from ctrgcn_plugin.errors import UserError
from ctrgcn_plugin.training import record, surroundings
from ctrgcn_plugin.training.record import CONFIG, RUN, WEIGHTS, Start

AGAIN = "_again"
OUTPUT = "output_dir"
# what train_model was called with -> the option of main.py that has it called so
SWITCHES = {"validate": "--validate", "use_amp": "--amp", "use_fleet": "--fleet"}
VALUES = {WEIGHTS: "--weights", "amp_level": "--amp_level", "max_iters": "--max_iters"}
# of a row, what may be different each time
MEASURED = "seconds"
LAUNCH = "python -m paddle.distributed.launch --nproc_per_node {} ctrgcn train --reproduce {}"


@dataclass(frozen=True)
class Plan:
    """How to do a training again.

    Attributes:
        start: its record.
        config: its config, with overrides; it trains into another folder.
        arguments: for main.py.
        variables: of the environment, to be set, or to be removed where None.
    """

    start: Start
    config: Mapping[str, Any]
    arguments: list[str]
    variables: dict[str, Optional[str]]


def plan(folder: Path, overrides: Iterable[str] = (), weights: Optional[str] = None, processes: int = 1) -> Plan:
    """How to do the training in an output folder again.

    Args:
        overrides: upstream's ``key.key=value``: where the data are now, ``output_dir``.
        weights: where those are now that it began with.
        processes: how many will train together.

    Raises:
        UserError: there is no record, or it cannot be done again: what it was made from is not there, or has changed.
    """
    starts = record.read(folder)
    if not starts:
        raise UserError(f"no {RUN} in {folder}; give the output folder of a training with the plugin installed")
    start = starts[0]
    if start.resumed_from:
        raise UserError(f"{folder / RUN} begins with epoch {start.resumed_from + 1}; what was before is not recorded")
    if start.processes != processes:
        advice = LAUNCH.format(start.processes, folder) if start.processes > 1 else "one process is needed"
        raise UserError(f"{folder} was trained by {start.processes} process(es), this would be {processes}: {advice}")
    file = folder / CONFIG
    _require_recorded_config(file, starts)
    options = {**start.options, **({WEIGHTS: weights} if weights else {})}
    overrides = [f"{OUTPUT}={_beside(folder)}", *overrides]
    config = configs.load(file, overrides)
    _require_same_files(config, start, options)
    return Plan(start, config, _arguments(file, overrides, start.seed, options), _variables(start.variables))


def _beside(folder: Path) -> Path:
    named = folder if folder.name not in ("", "..") else folder.resolve()
    return named.with_name(named.name + AGAIN)


def _require_recorded_config(file: Path, starts: list[Start]) -> None:
    try:
        found = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}; it belongs to {RUN}") from error
    if found != starts[-1].config_sha256:
        raise UserError(f"{file} was changed since the training; train it with: ctrgcn train -c {file}")
    for start in starts:
        if start.config_sha256 != found:
            raise UserError(
                f"{file.parent} was resumed with another config (from epoch {starts[-1].resumed_from + 1} on), so one "
                f"training does not give the same; train the last with: ctrgcn train -c {file}"
            )


def _require_same_files(config: Mapping[str, Any], start: Start, options: Mapping[str, Any]) -> None:
    wrong = []
    for key, recorded in start.files.items():
        path = str(options[WEIGHTS] if key == WEIGHTS else _value(config, key))
        option = f"--{WEIGHTS} FILE" if key == WEIGHTS else f"-o {key}=FILE"
        if recorded.sha256 is None:
            wrong.append(f"{path}: its checksum is not recorded, the training did not come to the end of an epoch")
        elif not Path(path).is_file():
            wrong.append(f"{path} is not here (the training ran in {start.folder}); say where with {option}")
        elif Path(path).stat().st_size != recorded.bytes or record.checksum(path) != recorded.sha256:
            wrong.append(
                f"{path} is not the file of the training, SHA-256 {recorded.sha256[:12]}...; name it with {option}"
            )
    if wrong:
        raise UserError("; ".join(dict.fromkeys(wrong)))


def _value(config: Any, key: str) -> Any:
    try:
        for part in key.split("."):
            config = config[int(part)] if isinstance(config, list) else config[part]
    except (KeyError, IndexError, ValueError, TypeError):
        # an override has put something else there
        return None
    return config


def _arguments(file: Path, overrides: Iterable[str], seed: int, options: Mapping[str, Any]) -> list[str]:
    arguments = ["-c", str(file), "--seed", str(seed)]
    arguments += [part for override in overrides for part in ("-o", override)]
    arguments += [flag for name, flag in SWITCHES.items() if options.get(name)]
    for name, flag in VALUES.items():
        if options.get(name) is not None:
            arguments += [flag, str(options[name])]
    return arguments


def _variables(recorded: Mapping[str, str]) -> dict[str, Optional[str]]:
    now = surroundings.variables()
    return {
        name: recorded.get(name)
        for name in sorted({*now, *recorded})
        if surroundings.may_be_set(name) and now.get(name) != recorded.get(name)
    }


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Where `now` is not as `then`, a line each; of two configs, of two starts' sections."""
    before, after = dict(_leaves(then)), dict(_leaves(now))
    return [
        f"{place}: {_shown(before.get(place))} then, {_shown(after.get(place))} now"
        for place in dict.fromkeys([*before, *after])
        if before.get(place) != after.get(place)
    ]


def _leaves(section: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """(place, value) of what is no section itself; places are written as in -o."""
    nested = isinstance(section, list) and any(isinstance(item, Mapping) for item in section)
    if not isinstance(section, Mapping) and not nested:
        yield place, section
        return
    for key, value in section.items() if isinstance(section, Mapping) else enumerate(section):
        yield from _leaves(value, f"{place}.{key}" if place else str(key))


def _shown(value: Any) -> str:
    return "nothing" if value in (None, "", []) else str(value)


@dataclass(frozen=True)
class Comparison:
    """Whether two trainings have the same curves, and what to say of it."""

    equal: bool
    text: str


def compare(first: Path, second: Path) -> Comparison:
    """Hold the curves of a training against those of its repetition, for as long as the first has any.

    Raises:
        UserError: one of them has none.
    """
    found = []
    for folder in (first, second):
        read = curves.read(folder)
        if read is None or not read.steps:
            raise UserError(f"{folder} has no curves to compare; the fix {'curves'!r} writes them while it trains")
        found.append(read)
    return compare_curves(*found)


def compare_curves(first: Curves, second: Curves) -> Comparison:
    """The same of curves. Two trainings are equal if all values are but the times; NaN equals NaN."""
    for unit, ours, theirs in (("step", first.steps, second.steps), ("epoch", first.epochs, second.epochs)):
        for before, after in zip(ours, theirs):
            names = [name for name in before if not _same(name, before[name], after[name])]
            if names:
                return Comparison(False, _first_difference(unit, names[0], before, after, first, second))
        if len(theirs) < len(ours):
            return Comparison(False, f"the repetition has {len(theirs)} {unit}s, the training {len(ours)}")
    return Comparison(True, f"equal to the bit: {len(first.steps)} steps, {len(first.epochs)} epochs")


def _same(name: str, value: Optional[float], other: Optional[float]) -> bool:
    return name == MEASURED or value == other or (value != value and other != other)


def _first_difference(unit: str, name: str, before: Row, after: Row, first: Curves, second: Curves) -> str:
    place = f"{unit} {before[unit]:.0f}" + (f" (epoch {before['epoch']:.0f})" if unit == NUMBERS[1] else "")
    text = f"the first that differs is {place}: {name} {_number(before[name])} then, {_number(after[name])} now"
    gaps = [
        abs(a["loss"] - b["loss"])
        for a, b in zip(first.steps, second.steps)
        if a["loss"] is not None and b["loss"] is not None
    ]
    return f"{text}; the losses of a step differ by up to {max(gaps):.2g}" if gaps else text


def _number(value: Optional[float]) -> str:
    return "none" if value is None else f"{value:.9g}"
