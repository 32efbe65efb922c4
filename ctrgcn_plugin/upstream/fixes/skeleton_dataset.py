"""``paddlevideo.loader.dataset.skeleton``: reading labels runs the code in them."""

from __future__ import annotations

import pickle
from types import ModuleType
from typing import Any, BinaryIO

from ctrgcn_plugin import unpickling
from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.upstream.fixes.code import mentions
from ctrgcn_plugin.upstream.fixes.fix import ENDANGERS, Fix
from ctrgcn_plugin.upstream.fixes.proxy import Proxy


def _unpickles_anything(module: ModuleType) -> bool:
    return mentions(module.SkeletonDataset.load_file, "pickle")


def _unpickle_labels(module: ModuleType) -> None:
    module.pickle = Proxy(pickle, load=_load)  # type: ignore[attr-defined]


def _load(file: BinaryIO) -> Any:
    try:
        return unpickling.load(file)
    except unpickling.Refused as error:
        raise ConfigError(
            f"label_path {file.name} is not read: {error}; give a pickle of (names, labels) as lists or arrays"
        ) from error


FIXES = (
    Fix(
        "label-unpickling",
        "paddlevideo.loader.dataset.skeleton",
        "loader/dataset/skeleton.py:51",
        "a label file can hold any code, which runs when the data set is made",
        ENDANGERS,
        _unpickles_anything,
        _unpickle_labels,
    ),
)
