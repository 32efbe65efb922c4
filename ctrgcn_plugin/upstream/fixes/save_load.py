"""``paddlevideo.utils.save_load``: checkpoints that are not there, run code or are half saved; a student's keys."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from ctrgcn_plugin import checkpoint, unpickling
from ctrgcn_plugin.errors import CheckpointError
from ctrgcn_plugin.training.state import saving
from ctrgcn_plugin.upstream.fixes.code import wrapping
from ctrgcn_plugin.upstream.fixes.fix import ENDANGERS, FALSIFIES, MISLEADS, SWITCH, Fix, always
from ctrgcn_plugin.upstream.fixes.proxy import Proxy, replaced

UNPICKLING = "checkpoint-unpickling"
# a path for trying, where nothing is written
IN_PLACE = "tried.pdparams"


def _say_what_is_missing(original: Callable) -> Callable:
    def load(file_name: Any) -> Any:
        # no name at all is another mistake
        return original(str(checkpoint.existing(file_name, (".pdparams",))) if file_name else file_name)

    return load


def _hands_over_anything(module: ModuleType) -> bool:
    """Whether `load` gives Paddle a file that is no checkpoint: this one."""
    given: list[object] = []
    with replaced(module, paddle=Proxy(module.paddle, load=given.append)), suppress(Exception):
        module.load(__file__)
    return bool(given)


def refuse_code(path: Any) -> None:
    """Raise a CheckpointError for a file that ``paddle.load`` would run code from."""
    if not Path(path).is_file():
        return
    try:
        with Path(path).open("rb") as file:
            unpickling.load(file, encoding="latin1")
    except unpickling.Refused as error:
        raise CheckpointError(
            f"{path} is no plain checkpoint: {error}; {SWITCH}={UNPICKLING} loads it nevertheless, "
            "for those who trust whoever made it"
        ) from None
    except Exception:
        # damaged, or one of Paddle's forms that are no pickles: Paddle reads it, or says what is wrong
        return


def without_code(module: ModuleType) -> None:
    """Check each file that the module has Paddle load."""
    load = module.paddle.load

    def checked_load(path: Any, **configs: Any) -> Any:
        refuse_code(path)
        return load(path, **configs)

    module.paddle = Proxy(module.paddle, load=checked_load)  # type: ignore[attr-defined]


def _writes_in_place(module: ModuleType) -> bool:
    """Whether `save` has Paddle write to the very file that it is asked for."""
    written: list[object] = []
    with replaced(module, paddle=Proxy(module.paddle, save=lambda _, path: written.append(path))), suppress(Exception):
        # without main_only, which asks for the rank
        inspect.unwrap(module.save)({}, IN_PLACE)
    return written == [IN_PLACE]


def _write_beside(module: ModuleType) -> None:
    save = module.paddle.save

    def save_whole(obj: Any, path: Any, *args: Any, **configs: Any) -> None:
        with saving(path) as file:
            # Paddle takes a name, and what it writes there is in the file that is open
            save(obj, file.name, *args, **configs)

    module.paddle = Proxy(module.paddle, save=save_whole)  # type: ignore[attr-defined]


def _numbers_the_parts(module: ModuleType) -> bool:
    return "0.weight" in module._extract_student_weights({"Student.0.weight": None})


def _name_the_parts(original: Callable) -> Callable:
    def extract_student_weights(*args: Any, **kwargs: Any) -> dict[str, Any]:
        return {checkpoint.canonical(key): value for key, value in original(*args, **kwargs).items()}

    return extract_student_weights


FIXES = (
    Fix(
        "checkpoint-missing",
        "paddlevideo.utils.save_load",
        "utils/save_load.py:287",
        "OSError: x.pdparams not exist, after the model has been built",
        MISLEADS,
        always,
        wrapping("load", _say_what_is_missing),
    ),
    Fix(
        UNPICKLING,
        "paddlevideo.utils.save_load",
        "utils/save_load.py:224, 289",
        "a checkpoint is unpickled: one that was made to do so runs any code",
        ENDANGERS,
        _hands_over_anything,
        without_code,
    ),
    Fix(
        "checkpoint-in-place",
        "paddlevideo.utils.save_load",
        "utils/save_load.py:282",
        "a training that is killed, or whose disk is full, while it saves leaves half a checkpoint in the place of one",
        ENDANGERS,
        _writes_in_place,
        _write_beside,
    ),
    Fix(
        "student-keys",
        "paddlevideo.utils.save_load",
        "utils/save_load.py:258",
        "the student that a distillation saves has keys 0.* and 1.*: a model that loads it stays random, rc 0",
        FALSIFIES,
        _numbers_the_parts,
        wrapping("_extract_student_weights", _name_the_parts),
    ),
)
