"""``paddlevideo.utils.save_load``: a checkpoint that is not there."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from ctrgcn_plugin.errors import CheckpointError
from ctrgcn_plugin.upstream.fixes.fix import Fix


def _missing_checkpoint(module: ModuleType) -> bool:
    load = module.load

    def checked_load(file_name: Any) -> Any:
        if not file_name:
            raise CheckpointError("testing needs a checkpoint, none was given; name one with -w FILE.pdparams")
        if not Path(file_name).is_file():
            raise CheckpointError(f"no checkpoint at {file_name}; give the path of a .pdparams file")
        return load(file_name)

    module.load = checked_load  # type: ignore[attr-defined]
    return True


FIXES = (
    Fix(
        "checkpoint-missing",
        "paddlevideo.utils.save_load",
        "utils/save_load.py:287, tasks/test.py:74",
        "--test without -w: stat: path should be string, bytes, os.PathLike or integer, not NoneType",
        _missing_checkpoint,
    ),
)
