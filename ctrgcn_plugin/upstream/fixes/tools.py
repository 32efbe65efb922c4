"""``tools/export_model.py`` and ``tools/predict.py``: faults in the scripts themselves.

A script's functions live in ``__main__``. It calls ``get_config`` when all of them are defined and
none of those that matter has run: there they are mended, for configs of the CTR-GCN family.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from ctrgcn_plugin.upstream.fixes.fix import SCRIPT, Fix, run

HELPER = "CTRGCN_Inference_helper"
CLIP_FILES = (".avi", ".mp4", ".npy")


def mend_script(main: ModuleType, config: Any) -> None:
    """Apply the script fixes to a running script, for the config it has just read."""
    if (config.get("INFERENCE") or {}).get("name") == HELPER:
        for fix in FIXES:
            run(fix, main)


def _replacing(name: str, wrap: Callable[[Callable], Callable]) -> Callable[[ModuleType], bool]:
    """A fix that wraps the script's global `name`; not needed in a script that has none."""

    def apply(main: ModuleType) -> bool:
        original = getattr(main, name, None)
        if original is None:
            return False
        setattr(main, name, functools.wraps(original, updated=())(wrap(original)))
        return True

    return apply


def _input_spec(original: Callable) -> Callable:
    return lambda cfg, model_name: original(cfg, "CTRGCN")


def _full_graph(original: Callable) -> Callable:
    return lambda *args, **kwargs: original(*args, **{"full_graph": True, **kwargs})


def _engine(original: Callable) -> Callable:
    def config(model_file: str, params_file: str) -> Any:
        path = Path(model_file)
        if path.suffix == ".pdmodel" and not path.is_file() and path.with_suffix(".json").is_file():
            path = path.with_suffix(".json")
        result = original(str(path), params_file)
        if path.suffix == ".json":
            # the old executor's enable_memory_optim asks a .json model for a pass that it does not have
            result.enable_new_executor(True)
        # on by default; the script turns it on again where --enable_mkldnn=True asks for it
        result.disable_mkldnn()
        return result

    return config


def _directory(original: Callable) -> Callable:
    def parse_file_paths(input_path: str) -> list[str]:
        if not Path(input_path).is_dir():
            return original(input_path)
        return sorted(str(file) for file in Path(input_path).iterdir() if file.suffix in CLIP_FILES)

    return parse_file_paths


FIXES = (
    Fix(
        "export-input-spec",
        SCRIPT,
        "tools/export_model.py:228",
        "UnboundLocalError: input_spec, for every model_name but CTRGCN",
        _replacing("get_input_spec", _input_spec),
    ),
    Fix(
        "export-full-graph",
        SCRIPT,
        "tools/export_model.py:257",
        "full_graph=False don't support input_spec",
        _replacing("to_static", _full_graph),
    ),
    Fix(
        "predict-engine",
        SCRIPT,
        "tools/predict.py:71, 85, 125",
        "(NotFound) Cannot open file; Not find predictor_id 0 and pass_name memory_optimize_pass; "
        "oneDNN on, and wrong, although --enable_mkldnn is False",
        _replacing("Config", _engine),
    ),
    Fix(
        "predict-directory",
        SCRIPT,
        "tools/predict.py:150",
        "a folder of .npy clips prints nothing, rc 0",
        _replacing("parse_file_paths", _directory),
    ),
)
