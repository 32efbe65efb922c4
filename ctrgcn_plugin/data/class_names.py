"""What classes are called: a data set's own names, those beside prepared data, or a user's list."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Optional

from ctrgcn_plugin import layouts, sections
from ctrgcn_plugin.data.prepared import CARD, Card, card_beside
from ctrgcn_plugin.errors import ConfigError, one_line, unknown

SUFFIX = ".txt"
NTU = {60: "ntu60", 120: "ntu120"}


def _of_ntu(actions: int) -> list[str]:
    from ctrgcn_plugin.data.sources import ntu

    return ntu.action_names()[:actions]


def _of_kinect(name: str) -> list[str]:
    source = importlib.import_module(f"ctrgcn_plugin.data.sources.{name}")
    return list(getattr(source, name.upper()).classes.values())


# what a user writes; each data set's names are in the module that reads it
SHIPPED: dict[str, Callable[[], list[str]]] = {
    **{name: partial(_of_ntu, actions) for actions, name in NTU.items()},
    **{name: partial(_of_kinect, name) for name in ("nw_ucla", "utd_mhad", "msr_action3d")},
}


def read(source: str, classes: Optional[int] = None) -> list[str]:
    """Names by label.

    Args:
        source: one of :data:`SHIPPED`; a text file with a name a line; prepared data, their folder or ``dataset.yaml``.
        classes: how many there have to be.

    Raises:
        ConfigError: there is no such source, it cannot be read, or has another number of names.
    """
    path = Path(source)
    if source in SHIPPED:
        names = SHIPPED[source]()
    elif path.is_dir() or path.name == CARD:
        card = Card.read(path if path.is_dir() else path.parent)
        if card is None:
            raise ConfigError(f"no {CARD} in {path if path.is_dir() else path.parent} to take class names from")
        names = list(map(str, card.classes))
    elif path.suffix == SUFFIX and path.is_file():
        names = _lines(path)
    elif path.suffix:
        raise ConfigError(f"no class names at {source}; give a {SUFFIX} file with a name a line, or a {CARD}")
    else:
        raise unknown("set of class names", source, SHIPPED, f"A {SUFFIX} file has a name a line.")
    if classes is not None and len(names) != classes:
        raise ConfigError(f"{source} has {len(names)} class names for {classes} classes; they go by label, from 0")
    return names


def _lines(path: Path) -> list[str]:
    try:
        names = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"class names {path} cannot be read as text: {one_line(error)}") from error
    while names and not names[-1]:
        names.pop()
    for line, name in enumerate(names, start=1):
        if not name or not name.isprintable():
            raise ConfigError(f"class names {path}, line {line}: {name!r} is no name; a line for each label, from 0")
    if not names:
        raise ConfigError(f"class names {path} is empty; a line for each label, from 0")
    return names


def of_config(config: Mapping[str, Any]) -> list[str]:
    """The names of a config's classes; none where they are not known.

    Those of the card beside the config's data. Where there is none, 60 or 120 classes on NTU's skeleton are NTU's.
    """
    counts = {part.get("num_classes") for _, part, kind in sections.parts(config["MODEL"]) if kind == "head"}
    graphs = {
        part.get("graph", layouts.DEFAULT) for _, part, kind in sections.parts(config["MODEL"]) if kind == "backbone"
    }
    card = data_card(config)
    if card is not None:
        return list(map(str, card.classes)) if {len(card.classes)} == counts else []
    of_ntu = next((name for count, name in NTU.items() if counts == {count} and graphs == {layouts.DEFAULT}), None)
    return SHIPPED[of_ntu]() if of_ntu else []


def data_card(config: Mapping[str, Any]) -> Optional[Card]:
    """The card of the data that a config tests on, else trains on; None where they have none."""
    datasets = config.get("DATASET")
    for part in ("test", "valid", "train"):
        section = datasets.get(part) if isinstance(datasets, Mapping) else None
        path = section.get("file_path") if isinstance(section, Mapping) else None
        beside = card_beside(Path(path)) if isinstance(path, str) else None
        if beside is not None:
            return beside[1]
    return None


def label(names: Sequence[str], index: int) -> str:
    """What to call a class: its name, or its number where it has none."""
    return names[index] if index < len(names) else f"class {index}"
