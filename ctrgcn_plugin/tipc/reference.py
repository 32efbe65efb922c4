"""What the trained network itself says of the clips that TIPC predicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ctrgcn_plugin import configs
from ctrgcn_plugin.deploy.trained import Trained
from ctrgcn_plugin.errors import UserError
from ctrgcn_plugin.tipc.commands import EXPORT, Command
from ctrgcn_plugin.tipc.evidence import Stage

QUANTISED = "quant_model"


@dataclass(frozen=True)
class Export:
    """Where an exported model lies, and what it was made of; paths are relative to PaddleVideo's folder."""

    folder: Path
    config: str
    overrides: tuple[str, ...]
    weights: Path


def exports(stages: Iterable[Stage]) -> Iterator[Export]:
    """The models that stages have exported."""
    for stage in stages:
        command = stage.command
        weights, config = command.value("-p", "--pretrained_params"), command.config
        # upstream's script has -o for the folder and --override for a change; ours has both as well
        folder = next((value for value in command.values("-o", "--output_path") if "=" not in value), None)
        if command.purpose == EXPORT and weights and config and folder:
            yield Export(Path(folder), config, tuple(command.overrides()), Path(weights))


def find_config(root: Path, name: str) -> Path:
    """The config that a script run in `root` is given by `name`: the one there, else the shipped one."""
    return configs.find(root / name if (root / name).is_file() else name)


class Networks:
    """The networks behind exported models, each loaded once and asked once about each clip."""

    def __init__(self, root: Path, exported: Iterable[Export]) -> None:
        self.root = root
        self._exports = {(root / export.folder).resolve(): export for export in exported}
        self._networks: dict[Path, _Network] = {}

    def scores(self, command: Command, clip: str) -> np.ndarray:
        """(K,): what the network behind the model that `command` runs says of a clip."""
        file = command.value("--model_file", "--onnx_file")
        if file is None:
            raise UserError("it names no model: --model_file or --onnx_file is missing")
        folder = (self.root / file).resolve().parent
        folder = folder.parent if folder.name == QUANTISED else folder
        if folder not in self._exports:
            raise UserError(f"nothing is known of how the model in {folder} was made, so that nothing can be compared")
        if folder not in self._networks:
            self._networks[folder] = _Network(self.root, self._exports[folder])
        return self._networks[folder].scores(self.root / clip)


class _Network:
    def __init__(self, root: Path, export: Export) -> None:
        self._root = root
        self._export = export
        self._scores: dict[Path, np.ndarray] = {}

    @cached_property
    def _trained(self) -> Trained:
        config = configs.load(find_config(self._root, self._export.config), self._export.overrides)
        return Trained.load(config, self._root / self._export.weights)

    def scores(self, clip: Path) -> np.ndarray:
        if clip not in self._scores:
            self._scores[clip] = self._trained.scores(self._trained.sample(clip)[None])[0]
        return self._scores[clip]
