"""``tools/predict.py``: the engine it makes, and the clips it takes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from ctrgcn_plugin.upstream.fixes.code import mentions, wrapping
from ctrgcn_plugin.upstream.fixes.fix import FALSIFIES, STOPS, Fix

SCRIPT = "tools/predict.py"
CLIP_FILES = (".avi", ".mp4", ".npy")


def _knows_no_json(main: ModuleType) -> bool:
    return not mentions(main.create_paddle_predictor, ".json")


def _json(original: Callable) -> Callable:
    def config(model_file: str, params_file: str) -> Any:
        path = Path(model_file)
        if path.suffix == ".pdmodel" and not path.is_file() and path.with_suffix(".json").is_file():
            path = path.with_suffix(".json")
        result = original(str(path), params_file)
        if path.suffix == ".json":
            # the old executor's enable_memory_optim asks a .json model for a pass that it does not have
            result.enable_new_executor(True)
        return result

    return config


def _leaves_onednn_on(main: ModuleType) -> bool:
    return not mentions(main.create_paddle_predictor, "disable_mkldnn")


def _without_onednn(original: Callable) -> Callable:
    def config(model_file: str, params_file: str) -> Any:
        result = original(model_file, params_file)
        # on by default; the script turns it on again where --enable_mkldnn=True asks for it
        result.disable_mkldnn()
        return result

    return config


def _ignores_clips(main: ModuleType) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "clip.npy").touch()
        return not main.parse_file_paths(folder)


def _with_clips(original: Callable) -> Callable:
    def parse_file_paths(input_path: str) -> list[str]:
        if not Path(input_path).is_dir():
            return original(input_path)
        return sorted(str(file) for file in Path(input_path).iterdir() if file.suffix in CLIP_FILES)

    return parse_file_paths


FIXES = (
    Fix(
        "predict-json-model",
        SCRIPT,
        "tools/predict.py:71, 125",
        "(NotFound) Cannot open file; Not find predictor_id 0 and pass_name memory_optimize_pass",
        STOPS,
        _knows_no_json,
        wrapping("Config", _json),
    ),
    Fix(
        "predict-onednn-off",
        SCRIPT,
        "tools/predict.py:85",
        "oneDNN is on although --enable_mkldnn is False, and computes some models wrongly",
        FALSIFIES,
        _leaves_onednn_on,
        wrapping("Config", _without_onednn),
    ),
    Fix(
        "predict-directory",
        SCRIPT,
        "tools/predict.py:150",
        "a folder of .npy clips prints nothing, rc 0",
        STOPS,
        _ignores_clips,
        wrapping("parse_file_paths", _with_clips),
    ),
)
