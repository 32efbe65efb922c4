"""What a benchmark measures: its models, with or without cards, and the cases made of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from ctrgcn_plugin.benchmark.latency import Measurement
from ctrgcn_plugin.benchmark.worker import CaseError, Job, Worker
from ctrgcn_plugin.deploy import engines
from ctrgcn_plugin.deploy.card import Card, ModelError, card_of, require_files
from ctrgcn_plugin.deploy.engines import Setting
from ctrgcn_plugin.errors import UserError, unknown

AXES = "CTVM"


@dataclass(frozen=True)
class Plan:
    """What is to be measured.

    Attributes:
        models: model files or folders, each may begin with ``NAME=``; with cards or, foreign ones, without.
        settings: of the engines; where it is empty, all that a model's card allows, or its format.
        threads, batches, persons: each case is measured with all of them; `persons` is all where it is empty.
        baseline: name of the case to compare with, or how it begins; the first where it is empty.
        reference: a model with a card that has the same weights as the foreign ones.
        accuracy: ``NAME=PERCENT`` of models.
    """

    models: Sequence[str]
    settings: Sequence[str] = ()
    threads: Sequence[int] = (1,)
    batches: Sequence[int] = (1,)
    persons: Sequence[int] = ()
    rounds: int = 20
    baseline: str = ""
    reference: str = ""
    accuracy: Sequence[str] = ()

    def __post_init__(self) -> None:
        counts = {"threads": self.threads, "batch": self.batches, "persons": self.persons, "rounds": [self.rounds]}
        for name, values in counts.items():
            if any(value < 1 for value in values):
                raise UserError(f"{name} must be at least 1, got {min(values)}")
        for setting in self.settings:
            if setting not in engines.SETTINGS:
                raise unknown("setting", setting, engines.SETTINGS)
            engines.require(engines.SETTINGS[setting].engine)


@dataclass(frozen=True)
class Model:
    """A model file; `card` is None for a foreign one."""

    name: str
    file: Path
    card: Optional[Card]

    @property
    def size_mb(self) -> float:
        """Of its files, in 10^6 bytes."""
        return sum(file.stat().st_size for file in engines.files_of(self.file)) / 1e6

    def settings(self, asked: Sequence[str]) -> list[Setting]:
        """Those of `asked` that take its format, or all that are right and can be used here."""
        if asked:
            # also those in which the card knows it to be wrong: how fast, and how wrong, is worth seeing
            fitting = [engines.SETTINGS[name] for name in asked if self.file.suffix in engines.SETTINGS[name].suffixes]
        else:
            here = engines.settings_for(self.file)
            fitting = [setting for setting in here if self.card is None or setting.name in self.card.verified]
        if not fitting:
            raise UserError(
                f"no setting fits {self.name} ({self.file.name}): {_why_none(self, asked)}; "
                f"there are {', '.join(engines.SETTINGS)}"
            )
        return fitting


@dataclass(frozen=True)
class Case:
    """One thing to measure: a model, how it runs, and on what."""

    model: Model
    setting: Setting
    job: Job

    @property
    def name(self) -> str:
        """Of all that tells it from the others."""
        job = self.job
        return f"{self.model.name} {self.setting} t{job.threads} b{job.batch} p{job.persons}"

    def measured(self, **results: Any) -> Measurement:
        """It with what was found."""
        job = self.job
        what = (self.name, self.model.name, self.setting.name, job.threads, job.batch, job.persons)
        return Measurement(*what, size_mb=self.model.size_mb, **results)


def find_models(given: Iterable[str]) -> list[Model]:
    """The models of ``PATH`` or ``NAME=PATH``, each a model file or a folder with those of one name."""
    models: list[Model] = []
    for text in given:
        name, path = named(text)
        files = _files(path)
        name = name or f"{files[0].resolve().parent.name}/{files[0].stem}"
        for file in files:
            card = Card.read(file) if card_of(file).is_file() else None
            # the files of one folder differ by their formats
            models.append(Model(name if len(files) == 1 else f"{name}{file.suffix}", file.resolve(), card))
    names = [model.name for model in models]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise UserError(f"several models are called {twice}; give them names, NAME=PATH")
    return models


def named(text: str) -> tuple[str, Path]:
    """The two parts of ``NAME=PATH``; no name where `text` is a path alone."""
    name, _, path = text.partition("=")
    return (name, Path(path)) if name and path and not Path(text).exists() else ("", Path(text))


def _files(path: Path) -> list[Path]:
    suffixes = " or ".join(engines.MODEL_SUFFIXES)
    if path.is_dir():
        files = [
            file
            for file in sorted(path.iterdir())
            if file.suffix in engines.MODEL_SUFFIXES and all(part.is_file() for part in engines.files_of(file))
        ]
        if not files:
            raise ModelError(f"no model in {path}, a {suffixes} file with what belongs to it; give another folder")
        if len({file.stem for file in files}) > 1:
            raise ModelError(f"several models in {path}: {', '.join(file.name for file in files)}; give their paths")
        return files
    if path.suffix not in engines.MODEL_SUFFIXES or not path.is_file():
        raise ModelError(f"no model at {path}; give a {suffixes} file or its folder")
    require_files(path)
    return [path]


def clip_shape(models: Sequence[Model]) -> tuple[int, int, int, int]:
    """(C, T, V, M) that all the models take; what a foreign one leaves open, the others say."""
    shapes: list[tuple[str, Sequence[Optional[int]]]] = []
    unknown_why = ""
    for model in models:
        if model.card:
            shapes.append((model.name, model.card.input_shape))
            continue
        try:
            with Worker() as worker:
                found = worker.ask("shape", str(model.file))
        except CaseError as error:
            # this one's cases will fail, for the same reason; the others need not
            unknown_why = f" ({without_folder(error, model)})"
            continue
        if len(found) != 1 + len(AXES):
            raise ModelError(f"{model.name} takes an input of {len(found)} axes; clips have 5, (N, C, T, V, M)")
        shapes.append((model.name, found[1:]))
    sizes: list[int] = []
    for axis, letter in enumerate(AXES):
        said = {shape[axis] for _, shape in shapes} - {None}
        if len(said) > 1:
            each = ", ".join(f"{name} {tuple(shape)}" for name, shape in shapes)
            raise UserError(f"the models take clips (C, T, V, M) of different shapes: {each}; benchmark them apart")
        if not said:
            names = ", ".join(model.name for model in models)
            raise UserError(
                f"no file of {names} says how large {letter} of its clips (C, T, V, M) is{unknown_why}; "
                "add a model that has a card, for instance as reference"
            )
        sizes += [size for size in said if size is not None]
    channels, frames, joints, persons = sizes
    return channels, frames, joints, persons


def cases_of(plan: Plan, models: Sequence[Model], shape: tuple[int, int, int, int]) -> list[Case]:
    """Each model in each setting with all numbers of threads, clips and persons; `shape` is (C, T, V, M)."""
    everybody = shape[-1]
    persons = plan.persons or [everybody]
    if max(persons) > everybody:
        raise UserError(f"persons must be at most {everybody}, as the models take them, got {max(persons)}")
    unused = [
        name for name in plan.settings if not any(m.file.suffix in engines.SETTINGS[name].suffixes for m in models)
    ]
    if unused:
        raise UserError(f"setting {unused[0]} takes none of {', '.join(model.file.name for model in models)}")
    cases = {}
    for model in models:
        for setting in model.settings(plan.settings):
            for threads in plan.threads:
                for batch in plan.batches:
                    for there in persons:
                        leaves_out = model.card is not None and model.card.skips_absent and there < everybody
                        job = Job(str(model.file), setting.name, threads, shape, batch, there, leaves_out)
                        case = Case(model, setting, job)
                        cases[case.name] = case  # once, whatever was given twice
    return list(cases.values())


def find_case(asked: str, names: Sequence[str]) -> str:
    """The name that is `asked`, or the only one that begins with it, whole words before parts of them."""
    for found in (
        [name for name in names if name == asked],
        [name for name in names if name.startswith(f"{asked} ")],
        [name for name in names if name.startswith(asked)],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            raise UserError(f"baseline {asked!r} may be any of: {', '.join(found)}; say more of its name")
    raise UserError(f"no case is called {asked!r}, for a baseline; the cases are: {', '.join(names)}")


def scores_of(models: Sequence[Model]) -> Optional[list[list[float]]]:
    """The scores (2, K) that a reference's card has for the gate's probes."""
    for model in models:
        if model.card is None:
            raise ModelError(f"the reference {model.name} has no card; give a model that this package has exported")
        return model.card.probe
    return None


def accuracies(given: Iterable[str], models: Sequence[Model]) -> dict[str, float]:
    """Per cent by a model's name, of all models or none."""
    found: dict[str, float] = {}
    for text in given:
        name, _, percent = text.rpartition("=")
        own = [model.name for model in models if model.name in (name, f"{name}{model.file.suffix}")]
        if not own:
            raise unknown("model with an accuracy", name or text, [model.name for model in models])
        try:
            value = float(percent)
        except ValueError:
            value = -1
        if not 0 <= value <= 100:
            raise UserError(f"the accuracy of {name} must be a number from 0 to 100, per cent, got {percent!r}")
        found.update(dict.fromkeys(own, value))
    without = [model.name for model in models if model.name not in found]
    if found and without:
        raise UserError(f"no accuracy of {', '.join(without)}; give it for all models or none")
    return found


def _why_none(model: Model, asked: Sequence[str]) -> str:
    if asked:
        return f"{', '.join(asked)} do not take its format"
    fitting = [setting for setting in engines.SETTINGS.values() if model.file.suffix in setting.suffixes]
    return "; ".join(f"{s}: {engines.missing(s.engine) or 'its card does not allow it'}" for s in fitting)


def without_folder(error: Exception, model: Model) -> str:
    """The reason, without where on this machine the model lies."""
    return str(error).replace(f"{model.file.parent}{os.sep}", "")
