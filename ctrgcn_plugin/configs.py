"""Configs in upstream's form: found by path or among the shipped ones, read safely, overridden by literals."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Optional, Union

import yaml

from ctrgcn_plugin import resources
from ctrgcn_plugin.errors import ConfigError, one_line

MISSING_SECTION = "config {path} has no {section} section; a config of PaddleVideo's form is needed"


def shipped() -> list[str]:
    """Paths of the configs that come with the plugin, as a user writes them: ``configs/recognition/...``."""
    root = resources.folder("configs")
    return sorted(f"configs/{path.relative_to(root).as_posix()}" for path in root.rglob("*.yaml"))


def shipped_copy(path: Union[str, Path]) -> Optional[Path]:
    """The plugin's own copy of `path`, where it ships one: matched on ``configs/...`` at the path's end."""
    parts = Path(path).parts
    if "configs" not in parts:
        return None
    tail = parts[len(parts) - parts[::-1].index("configs") :]
    copy = resources.folder("configs").joinpath(*tail)
    return copy if copy.is_file() else None


def find(path: Union[str, Path]) -> Path:
    """`path` itself if it is a file, else the shipped config of that name."""
    if Path(path).is_file():
        return Path(path)
    copy = shipped_copy(path)
    if copy is None:
        raise ConfigError(f"no config at {path}; the plugin ships: {', '.join(shipped())}")
    return copy


def load(path: Union[str, Path], overrides: Iterable[str] = (), need: Iterable[str] = ("MODEL",)) -> dict[str, Any]:
    """Read a config; `overrides` are upstream's ``a.b.0.c=value`` with values as Python literals or text."""
    found = find(path)
    try:
        config = yaml.safe_load(found.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"config {found} is not readable as YAML: {one_line(error)}") from error
    if not isinstance(config, dict):
        raise ConfigError(f"config {found} holds a {type(config).__name__}, a mapping is needed")
    config = _with_literals(config)
    for override in overrides:
        apply_override(config, override)
    for section in need:
        if section not in config:
            raise ConfigError(MISSING_SECTION.format(path=found, section=section))
    return config


def literal(text: str) -> Any:
    """The Python literal that `text` spells, else `text` itself. Never evaluated."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _with_literals(value: Any) -> Any:
    # upstream reads 1e-4, which YAML 1.1 takes for text, as a number
    if isinstance(value, dict):
        return {key: _with_literals(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_literals(item) if isinstance(item, (dict, list)) else item for item in value]
    return literal(value) if isinstance(value, str) else value


def apply_override(config: dict[str, Any], override: str) -> None:
    """Set one ``key.key.index.key=value`` in place."""
    path, equals, text = override.partition("=")
    if not equals:
        raise ConfigError(f"override {override!r} must have the form key.key=value")
    *parents, last = path.split(".")
    node: Any = config
    for done, key in enumerate(parents):
        try:
            node = node[int(key) if isinstance(node, list) else key]
        except (KeyError, IndexError, ValueError, TypeError):
            there = ", ".join(map(str, node)) if isinstance(node, dict) else f"a {type(node).__name__}"
            raise ConfigError(
                f"override {override!r}: {'.'.join(parents[: done + 1])} is not in the config; there is: {there}"
            ) from None
    if isinstance(node, list):
        if not last.isdigit() or int(last) >= len(node):
            raise ConfigError(f"override {override!r}: {last!r} is not an index below {len(node)}")
        node[int(last)] = literal(text)
    elif isinstance(node, dict):
        node[last] = literal(text)
    else:
        raise ConfigError(f"override {override!r}: {'.'.join(parents)} is a {type(node).__name__}, not a section")
