"""What configs of TIPC name and this package can make: the lite set, and weights called ``fixed.pdparams``.

``ctrgcn tipc`` has them made before it runs anything. Under upstream's two commands by hand they are made when a script
reads its config: upstream's prepare.sh knows nothing of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ctrgcn_plugin import sections

FIXED = "fixed.pdparams"
LITE = Path("data/ntu-rgb-d/lite")


def supply(root: Path, config: Mapping[str, Any]) -> list[str]:
    """Make what a config names and is not there; what was made, in words.

    Args:
        root: PaddleVideo's folder, which the config's paths are relative to.
    """
    told = []
    if any(not (root / path).is_file() for path in _lite_files(config)):
        from ctrgcn_plugin.tipc import lite_data

        told.append(f"{LITE}: {lite_data.make(root)}")
    for path, model in _fixed_weights(config):
        if not (root / path).is_file():
            write_fixed(root / path, model)
            told.append(f"{path}: fixed weights, not trained ones")
    return told


def write_fixed(file: Path, model: Mapping[str, Any]) -> None:
    """Write the fixed weights of the network in a MODEL section, or in one network's part of it."""
    from ctrgcn_plugin.convert import writing
    from ctrgcn_plugin.models.network import build_network
    from ctrgcn_plugin.tipc import fixed

    network = build_network(model)
    fixed.fill(network)
    writing.write({key: value.numpy() for key, value in network.state_dict().items()}, file)


def _lite_files(config: Mapping[str, Any]) -> Iterator[Path]:
    for part in (config.get("DATASET") or {}).values():
        for key in ("file_path", "label_path"):
            path = Path(str(part.get(key) or "")) if isinstance(part, Mapping) else Path()
            if path.parent == LITE:
                yield path


def _fixed_weights(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for _, network in sections.networks(config.get("MODEL") or {}):
        backbone = network.get("backbone")
        path = backbone.get("pretrained") if isinstance(backbone, Mapping) else None
        if path and Path(str(path)).name == FIXED:
            yield str(path), network
