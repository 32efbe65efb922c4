"""The engines that run an exported model, and the settings of each that a user may meet."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ctrgcn_plugin.deploy.engines.base import Engine, EngineError
from ctrgcn_plugin.environment import require_paddle
from ctrgcn_plugin.errors import EnvironmentSetupError, unknown

PADDLE, PADDLE_OPENVINO, ONNXRUNTIME = "paddle", "paddle-openvino", "onnxruntime"
AUTO = "auto"
# Paddle 3, Paddle 2
PADDLE_SUFFIXES = (".json", ".pdmodel")
PARAMS_SUFFIX = ".pdiparams"

__all__ = ["Engine", "EngineError"]

# (model file, threads of the CPU or None for the engine's own choice) -> the loaded model
Loader = Callable[[Path, Optional[int]], Engine]


@dataclass(frozen=True)
class Setting:
    """One way to run a model.

    Attributes:
        name: ``engine/how``.
        engine: one of :data:`ENGINES`.
        suffixes: of the model files that it takes.
        load: opens a model.
    """

    name: str
    engine: str
    suffixes: tuple[str, ...]
    load: Loader

    def __str__(self) -> str:
        return self.name


# The engines are imported where they are used: a machine that only runs ONNX models needs no Paddle.
def _in_paddle(**how: bool) -> Loader:
    def load(model_file: Path, threads: Optional[int]) -> Engine:
        from ctrgcn_plugin.deploy.engines.paddle_engine import PaddleEngine

        return PaddleEngine(model_file, model_file.with_suffix(PARAMS_SUFFIX), threads=threads, **how)

    return load


def _in_onnxruntime(model_file: Path, threads: Optional[int]) -> Engine:
    from ctrgcn_plugin.deploy.engines.onnx_engine import OnnxEngine

    return OnnxEngine(model_file, threads=threads)


SETTINGS: Mapping[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting("paddle/default", PADDLE, PADDLE_SUFFIXES, _in_paddle()),
        Setting("paddle/onednn_off", PADDLE, PADDLE_SUFFIXES, _in_paddle(onednn=False)),
        Setting("paddle-openvino/default", PADDLE_OPENVINO, (".pdmodel",), _in_paddle(openvino=True)),
        Setting("onnxruntime/default", ONNXRUNTIME, (".onnx",), _in_onnxruntime),
    )
}
ENGINES = tuple(dict.fromkeys(setting.engine for setting in SETTINGS.values()))
MODEL_SUFFIXES = tuple(dict.fromkeys(suffix for setting in SETTINGS.values() for suffix in setting.suffixes))


def missing(engine: str) -> Optional[str]:
    """Why `engine` cannot be used here and what to do; None if it can."""
    if engine == ONNXRUNTIME:
        there = importlib.util.find_spec("onnxruntime") is not None
        return None if there else 'onnxruntime is not installed; pip install "ctrgcn-plugin[onnx]"'
    try:
        require_paddle()
    except EnvironmentSetupError as error:
        return str(error)
    if engine == PADDLE_OPENVINO:
        from ctrgcn_plugin.deploy.engines.paddle_engine import openvino_is_missing

        return openvino_is_missing()
    return None


def require(engine: str) -> None:
    """Raise an error if there is no such `engine`, or none that can be used here."""
    if engine not in ENGINES:
        raise unknown("engine", engine, ENGINES)
    reason = missing(engine)
    if reason:
        raise EngineError(f"engine {engine} cannot be used here: {reason}")


def settings_for(model_file: Path) -> list[Setting]:
    """The settings in which a model of this format runs, of the engines that can be used here."""
    return [
        setting
        for setting in SETTINGS.values()
        if model_file.suffix in setting.suffixes and missing(setting.engine) is None
    ]


def files_of(model_file: Path) -> list[Path]:
    """The model file and what belongs to it."""
    return [model_file] if model_file.suffix == ".onnx" else [model_file, model_file.with_suffix(PARAMS_SUFFIX)]
