"""Where the parts of a config in upstream's form are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def parts(model: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """(place, section, part) of every backbone and head."""
    networks = {"MODEL": model}
    for entry in model.get("models") or []:
        if isinstance(entry, Mapping):
            networks.update({f"MODEL.models.{name}": network for name, network in entry.items()})
    for place, network in networks.items():
        for part in ("backbone", "head"):
            if isinstance(network, Mapping) and isinstance(network.get(part), Mapping):
                yield f"{place}.{part}", network[part], part


def pipeline_steps(pipeline: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(place, section) of every step, its name among its settings."""
    for stage, steps in pipeline.items():
        for step in steps if isinstance(steps, list) else [steps]:
            for name, options in step.items() if isinstance(step, Mapping) else ():
                yield f"{stage}.{name}", {"name": name, **(options or {})}
