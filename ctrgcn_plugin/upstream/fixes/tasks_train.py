"""``paddlevideo.tasks.train``: a resumed training forgets how good its best checkpoint is."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

from ctrgcn_plugin.errors import CheckpointError
from ctrgcn_plugin.files import replacing
from ctrgcn_plugin.upstream.fixes.code import mentions, with_line
from ctrgcn_plugin.upstream.fixes.fix import FALSIFIES, Fix
from ctrgcn_plugin.upstream.log import logger

START, SAVED = "best = 0.0", "save_student_model=save_student_model_flag)"


def _forgets_its_best(module: ModuleType) -> bool:
    return not any(mentions(module.train_model, name) for name in ("load_best", "json", ".json", "_best.json"))


def _remember_its_best(module: ModuleType) -> None:
    from paddlevideo.utils import main_only

    read = "best = ctrgcn_read_best(output_dir, model_name, resume_epoch)"
    write = "ctrgcn_write_best(output_dir, model_name, best, epoch + 1)"
    train_model = with_line(module.train_model, START, read, ctrgcn_read_best=read_best)
    train_model = with_line(train_model, SAVED, f"{SAVED}; {write}", ctrgcn_write_best=main_only(write_best))
    module.train_model = train_model  # type: ignore[attr-defined]


# The file's name and form are those of the patch best-on-resume, so that either can go on from the other's.
def _file(output_dir: str, model_name: str) -> Path:
    return Path(output_dir) / f"{model_name}_best.json"


def read_best(output_dir: str, model_name: str, resume_epoch: int) -> float:
    """What the best checkpoint of a training that is resumed has reached; upstream's start value otherwise."""
    if not resume_epoch:
        return 0.0
    file = _file(output_dir, model_name)
    if not (file.is_file() and file.with_suffix(".pdparams").is_file()):
        logger().info(f"Resume: the best accuracy so far is unknown (no {file} with its .pdparams), it starts anew")
        return 0.0
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        best, epoch = float(found["best"]), int(found["epoch"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{file}, which says how good the best checkpoint is, cannot be read ({type(error).__name__}: {error}); "
            "remove it to let the next epoch replace that checkpoint"
        ) from error
    logger().info(f"Resume: the best so far is {best} of epoch {epoch}")
    return best


def write_best(output_dir: str, model_name: str, best: float, epoch: int) -> None:
    """Note what the best checkpoint, which upstream has just saved, has reached."""
    with replacing(_file(output_dir, model_name)) as file:
        file.write(json.dumps({"best": float(best), "epoch": epoch}).encode())


FIXES = (
    Fix(
        "best-on-resume",
        "paddlevideo.tasks.train",
        "tasks/train.py:192",
        "after resume_epoch the first validated epoch replaces <model_name>_best, however bad it is",
        FALSIFIES,
        _forgets_its_best,
        _remember_its_best,
    ),
)
