"""``paddlevideo.utils.config``: configs that the checkout does not have, and mistakes in them."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, Optional

from ctrgcn_plugin import configs
from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.upstream import config_check
from ctrgcn_plugin.upstream.fixes.code import with_line, wrapping
from ctrgcn_plugin.upstream.fixes.fix import ENDANGERS, MISLEADS, STOPS, Fix, always
from ctrgcn_plugin.upstream.log import logger

SUM = re.compile(r"[\d.eE()\s]+[-+*/%][-+*/%\d.eE()\s]+")


def _or_shipped(original: Callable) -> Callable:
    def get_config(fname: str, *args: Any, **kwargs: Any) -> Any:
        if not Path(fname).is_file():
            copy = configs.find(fname)
            logger().info(f"{fname} is not in this folder: using the copy that ctrgcn-plugin ships, {copy}")
            fname = str(copy)
        return original(fname, *args, **kwargs)

    return get_config


def _checked(original: Callable) -> Callable:
    def get_config(*args: Any, **kwargs: Any) -> Any:
        config = original(*args, **kwargs)
        config_check.check(config)
        return config

    return get_config


def _evaluates(module: ModuleType) -> bool:
    config = {"key": None}
    module.override(config, ["key"], "len('xx')")
    return config["key"] == 2


def _read_literals(module: ModuleType) -> None:
    # upstream's own `except` around this line leaves what is no literal as it is
    mended = with_line(module.override, "eval(v)", "ctrgcn_literal(v)", ctrgcn_literal=_literal)
    module.override = mended  # type: ignore[attr-defined]


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text.strip())
    except Exception:
        if SUM.fullmatch(text):
            logger().warning(f"override value {text!r} is taken as text: only literals are read, no expressions")
        raise


def _asserts_the_path(module: ModuleType) -> bool:
    try:
        module.override_config({"a": {}}, ["b.c=1"])
    except ConfigError:
        return False
    except Exception:
        return True
    return False


def _in_one_line(original: Callable) -> Callable:
    def override_config(config: Any, options: Optional[Iterable[str]] = None) -> Any:
        for option in options or ():
            try:
                original(config, [option])
            except Exception as error:
                # says why in one line; upstream's message has the whole config in it
                configs.apply_override(config, option)
                raise ConfigError(f"override {option!r}: {error}") from error
        return config

    return override_config


FIXES = (
    Fix(
        "shipped-configs",
        "paddlevideo.utils.config",
        "utils/config.py:170",
        "config file(configs/recognition/ctrgcn/...) is not exist",
        STOPS,
        always,
        wrapping("get_config", _or_shipped),
    ),
    Fix(
        "config-mistakes",
        "paddlevideo.utils.config",
        "utils/config.py:84",
        "an unknown name or key in a config ends deep in a constructor, or nowhere",
        MISLEADS,
        always,
        wrapping("get_config", _checked),
    ),
    Fix(
        "override-literals",
        "paddlevideo.utils.config",
        "utils/config.py:109",
        "-o key=value runs the value as Python code",
        ENDANGERS,
        _evaluates,
        _read_literals,
    ),
    Fix(
        "override-path",
        "paddlevideo.utils.config",
        "utils/config.py:112",
        "AssertionError with the whole config in it, for -o with a key that is not there",
        MISLEADS,
        _asserts_the_path,
        wrapping("override_config", _in_one_line),
    ),
)
