"""Where the parts of a config in upstream's form are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


def output_folder(config: Mapping[str, Any]) -> Path:
    """Where a training saves, as upstream finds it."""
    return Path(config.get("output_dir") or f"output/{config['model_name']}")


def networks(model: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(place, section) of each network of a MODEL section: the one, or those that learn from each other, in order."""
    if "models" not in model:
        yield "MODEL", model
    for entry in model.get("models") or []:
        for name, network in entry.items() if isinstance(entry, Mapping) else ():
            if isinstance(network, Mapping):
                yield f"MODEL.models.{name}", network


def parts(model: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """(place, section, part) of every backbone and head."""
    for place, network in networks(model):
        for part in ("backbone", "head"):
            if isinstance(network.get(part), Mapping):
                yield f"{place}.{part}", network[part], part


def pipeline_steps(pipeline: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, section) of every step, its name among its settings."""
    for stage, steps in pipeline.items():
        for step in steps if isinstance(steps, list) else [steps]:
            for name, options in step.items() if isinstance(step, Mapping) else ():
                yield f"{stage}.{name}", {"name": name, **(options if isinstance(options, Mapping) else {})}
