"""``tools/predict.py``: the engine it makes, and the clips it takes."""

from __future__ import annotations

import functools
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any, NoReturn

from ctrgcn_plugin.errors import UserError
from ctrgcn_plugin.upstream import auto_log
from ctrgcn_plugin.upstream.fixes.code import mentions, wrapping
from ctrgcn_plugin.upstream.fixes.fix import FALSIFIES, MISLEADS, STOPS, Fix

SCRIPT = "tools/predict.py"
CLIP_FILES = (".avi", ".mp4", ".npy")


def _knows_no_json(main: ModuleType) -> bool:
    return not mentions(main.create_paddle_predictor, ".json")


def _json(original: Callable) -> Callable:
    def config(*files: str) -> Any:
        if not files:
            return original()
        path = Path(files[0])
        if path.suffix == ".pdmodel" and not path.is_file() and path.with_suffix(".json").is_file():
            path = path.with_suffix(".json")
        result = original(str(path), *files[1:])
        if path.suffix == ".json":
            # the old executor's enable_memory_optim asks a .json model for a pass that it does not have
            result.enable_new_executor(True)
        return result

    return config


def _leaves_onednn_on(main: ModuleType) -> bool:
    return not mentions(main.create_paddle_predictor, "disable_mkldnn")


def _without_onednn(original: Callable) -> Callable:
    def config(*files: str) -> Any:
        result = original(*files)
        if files:
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


def _files(main: ModuleType, *arguments: object, **engines: Callable) -> list[str]:
    """Which files the script's ``main`` would predict with these arguments; nothing is loaded or printed.

    Args:
        engines: stubs for what makes an engine in another script than this.
    """

    def stop(files: list[str]) -> NoReturn:
        raise StopIteration(files)

    argv, sys.argv = sys.argv, [SCRIPT, *map(str, arguments)]
    try:
        options = main.parse_args()
    finally:
        sys.argv = argv
    engine = SimpleNamespace(get_input_names=list, get_output_names=list)
    stubs = {
        "print": lambda *args, **kwargs: None,
        "parse_args": lambda: options,
        "get_config": lambda *args, **kwargs: SimpleNamespace(model_name="", INFERENCE={}),
        "build_inference_helper": lambda config: SimpleNamespace(preprocess_batch=stop),
        "create_paddle_predictor": lambda *args: (None, engine),
        **engines,
    }
    try:
        FunctionType(main.main.__code__, {**vars(main), **stubs})()
    except StopIteration as stopped:
        return stopped.value
    raise LookupError(f"{SCRIPT} predicts nothing")


def _predicts_the_list(main: ModuleType) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        clips = Path(folder) / "clips.txt"
        clips.write_text("a.npy\n", encoding="utf-8")
        return _files(main, "-i", clips, "--time_test_file", "True") == [str(clips)]


def _read_the_list(main: ModuleType) -> None:
    make_predictor, parse = main.create_paddle_predictor, main.parse_file_paths
    lists: list[bool] = []

    @functools.wraps(make_predictor)
    def create_paddle_predictor(args: Any, cfg: Any) -> Any:
        # the script's main has the options here, and parses the path only then
        lists[:] = [args.time_test_file]
        return make_predictor(args, cfg)

    @functools.wraps(parse)
    def parse_file_paths(input_path: str) -> list[str]:
        if lists != [True]:
            return parse(input_path)
        try:
            lines = Path(input_path).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise UserError(f"--time_test_file: {input_path} is no list of clips, one a line: {error}") from error
        return [line.strip() for line in lines if line.strip()]

    vars(main).update(create_paddle_predictor=create_paddle_predictor, parse_file_paths=parse_file_paths)


def goes_on_without_auto_log(main: ModuleType, **engines: Callable) -> bool:
    """Whether a benchmark without the package auto_log gets past the script's message, and uses it."""
    if not auto_log.missing():
        return False
    try:
        _files(main, "-i", __file__, "--enable_benchmark", "True", **engines)
    except UnboundLocalError:
        return True
    except Exception:
        # it says what is missing, in its own words
        return False
    return False


def with_auto_log(original: Callable) -> Callable:
    """Around what makes the engine, which the script calls before it imports auto_log."""

    def create_predictor(args: Any, *more: Any) -> Any:
        if args.enable_benchmark:
            auto_log.provide()
        return original(args, *more)

    return create_predictor


AUTO_LOG = Fix(
    "predict-auto-log",
    SCRIPT,
    "tools/predict.py:254",
    "--enable_benchmark without the package auto_log: UnboundLocalError: auto_log",
    MISLEADS,
    goes_on_without_auto_log,
    wrapping("create_paddle_predictor", with_auto_log),
)

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
    Fix(
        "predict-time-test-file",
        SCRIPT,
        "tools/predict.py:182",
        "--time_test_file without --enable_benchmark: the list of clips is itself read as a clip",
        STOPS,
        _predicts_the_list,
        _read_the_list,
    ),
    AUTO_LOG,
)
