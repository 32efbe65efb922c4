"""Which of a folder's models runs, in which engine: the fastest that is right on this machine."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Union

import numpy as np

from ctrgcn_plugin.deploy import engines, gate
from ctrgcn_plugin.deploy.card import Card, ModelError, card_of
from ctrgcn_plugin.deploy.engines import AUTO, Engine, EngineError, Setting

LOG = logging.getLogger(__name__)
SHOWN = 8
# timed runs of each candidate, one after the other in turn
ROUNDS = 5


@dataclass(frozen=True)
class Chosen:
    """A model that runs, and is right.

    Attributes:
        rejected: what was tried before, and why it was not taken.
    """

    model: Path
    card: Card
    setting: Setting
    engine: Engine
    rejected: dict[str, str]


def choose(path: Path, engine: str = AUTO, threads: int = 1) -> Chosen:
    """Load the model in `path`, which is a model file or a folder, in `engine`, or in the fastest one.

    Each setting that a model's card allows is loaded, held against the network's own scores that the card keeps,
    and timed. So a model is right here and now, whatever the processor and the versions.

    Raises:
        ModelError, EngineError: no model, none for this engine, or none that is right on this machine.
    """
    if threads < 1:
        raise EngineError(f"threads must be at least 1, got {threads}")
    if engine != AUTO:
        engines.require(engine)
    candidates = _candidates(find_models(path), engine)
    rejected: dict[str, str] = {}
    loaded: list[Chosen] = []
    for model, card, setting in candidates:
        try:
            running = setting.load(model, threads)
            _prove(running, card, setting)
        except EngineError as error:
            rejected[f"{model.name} in {setting}"] = str(error)
            LOG.info("%s is not used: %s", setting, error)
        else:
            loaded.append(Chosen(model, card, setting, running, rejected))
    if not loaded:
        raise EngineError(
            f"no engine runs {path} rightly on this machine: "
            + "; ".join(f"{name}: {reason}" for name, reason in rejected.items())
        )
    return loaded[0] if len(loaded) == 1 else _fastest(loaded)


def find_models(path: Union[str, Path]) -> dict[Path, Card]:
    """The model that `path` is, or those of one name that the folder `path` has, with their cards."""
    path = Path(path)
    suffixes = " or ".join(engines.MODEL_SUFFIXES)
    if path.is_file():
        if path.suffix not in engines.MODEL_SUFFIXES:
            raise ModelError(f"{path} is no exported model; give a {suffixes} file or its folder")
        return {path: Card.read(path)}
    if not path.is_dir():
        raise ModelError(f"no model at {path}; give an exported model or its folder")
    files = sorted(file for file in path.iterdir() if not file.name.startswith("."))
    models = [file for file in files if file.suffix in engines.MODEL_SUFFIXES and _belongs(file)]
    if not models:
        there = ", ".join(file.name for file in files[:SHOWN]) + (", ..." if len(files) > SHOWN else "")
        raise ModelError(f"no model in {path}, a {suffixes} file with its card; there is: {there or 'nothing'}")
    if len({model.stem for model in models}) > 1:
        names = ", ".join(model.name for model in models)
        raise ModelError(f"several models in {path}: {names}; give the path of one")
    cards = {model: Card.read(model) for model in models}
    _require_one_network(cards)
    return cards


def _require_one_network(cards: dict[Path, Card]) -> None:
    """Raise a :class:`ModelError` if models of one name are of different weights or streams."""
    (first, card), *others = cards.items()
    for model, other in others:
        error = gate.relative_error(np.array(other.probe), np.array(card.probe))
        if other.stream != card.stream or not error <= gate.TOLERANCES["fp32"].limit:
            raise ModelError(
                f"{first.name} and {model.name} in {first.parent} are not of the same network; export both again, "
                "or give the path of one"
            )


def _belongs(model: Path) -> bool:
    """Whether a file that could be a model is one: labels and the like end in ``.json`` as well."""
    return card_of(model).is_file() or all(file.is_file() for file in engines.files_of(model))


def _candidates(models: dict[Path, Card], engine: str) -> list[tuple[Path, Card, Setting]]:
    fitting = {
        model: [s for s in engines.SETTINGS.values() if model.suffix in s.suffixes and engine in (AUTO, s.engine)]
        for model in models
    }
    if not any(fitting.values()):
        names = ", ".join(model.name for model in models)
        raise EngineError(f"engine {engine} runs none of {names}; export the model for it")
    candidates = []
    for model, settings in fitting.items():
        card = models[model]
        card.require_intact(model)
        candidates += [
            (model, card, setting)
            for setting in settings
            if setting.name in card.verified and engines.missing(setting.engine) is None
        ]
    if not candidates:
        asked = sorted({setting.engine for settings in fitting.values() for setting in settings})
        reasons = [f"{name}: {engines.missing(name) or 'its card does not allow it'}" for name in asked]
        raise EngineError(f"no engine for {', '.join(model.name for model in models)}: {'; '.join(reasons)}")
    return candidates


def _prove(running: Engine, card: Card, setting: Setting) -> None:
    tolerance = gate.TOLERANCES[card.precision]
    expected = np.array(card.probe, dtype=np.float32)
    error = gate.relative_error(running.run(gate.probes(card.input_shape)), expected)
    if not error <= tolerance.limit:
        raise EngineError(
            f"in {setting} its scores are off by {error:.2g} of the network's largest, the limit is "
            f"{tolerance.limit:.0e}"
        )


def _fastest(loaded: Sequence[Chosen]) -> Chosen:
    x = gate.probes(loaded[0].card.input_shape)[:1]
    times: list[list[float]] = [[] for _ in loaded]
    for _ in range(ROUNDS):
        for chosen, own in zip(loaded, times):
            start = time.perf_counter()
            chosen.engine.run(x)
            own.append(time.perf_counter() - start)
    medians = [statistics.median(own) for own in times]
    for chosen, median in zip(loaded, medians):
        LOG.info("%s in %s: %.1f ms a clip", chosen.model.name, chosen.setting, 1e3 * median)
    return loaded[int(np.argmin(medians))]
