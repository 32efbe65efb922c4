"""``paddlevideo.utils.save_load``: a checkpoint that is not there."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from ctrgcn_plugin import checkpoint
from ctrgcn_plugin.errors import CheckpointError
from ctrgcn_plugin.upstream.fixes.fix import MISLEADS, Fix, always


def _say_what_is_missing(module: ModuleType) -> None:
    load = module.load

    def checked_load(file_name: Any) -> Any:
        if not file_name:
            raise CheckpointError("testing needs a checkpoint, none was given; name one with -w FILE.pdparams")
        return load(str(checkpoint.existing(file_name)))

    module.load = checked_load  # type: ignore[attr-defined]


FIXES = (
    Fix(
        "checkpoint-missing",
        "paddlevideo.utils.save_load",
        "utils/save_load.py:287, tasks/test.py:74",
        "--test without -w: stat: path should be string, bytes, os.PathLike or integer, not NoneType",
        MISLEADS,
        always,
        _say_what_is_missing,
    ),
)
