"""``paddlevideo.tasks.train``: what a resumed training forgets of the one that it goes on with.

How good its best checkpoint is, and how often the data have been shuffled: Paddle's sampler shuffles by a count of its
own, which starts anew.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from ctrgcn_plugin.training import best as noted
from ctrgcn_plugin.training import state
from ctrgcn_plugin.training.best import Best
from ctrgcn_plugin.training.state import Checkpoint
from ctrgcn_plugin.upstream.fixes.code import mentions, with_line
from ctrgcn_plugin.upstream.fixes.fix import FALSIFIES, Fix
from ctrgcn_plugin.upstream.log import logger

START, SAVED = "best = 0.0", "save_student_model=save_student_model_flag)"
EPOCH = "model.train()"


def _forgets_its_best(module: ModuleType) -> bool:
    return not any(mentions(module.train_model, name) for name in ("load_best", "json", ".json", "_best.json"))


def _remember_its_best(module: ModuleType) -> None:
    from paddlevideo.utils import main_only

    read = "best = ctrgcn_read_best(output_dir, model_name, resume_epoch)"
    write = "ctrgcn_write_best(output_dir, model_name, best, epoch + 1)"
    train_model = with_line(module.train_model, START, read, ctrgcn_read_best=read_best)
    train_model = with_line(train_model, SAVED, f"{SAVED}; {write}", ctrgcn_write_best=main_only(write_best))
    module.train_model = train_model  # type: ignore[attr-defined]


def read_best(output_dir: str, model_name: str, resume_epoch: int) -> float:
    """What the best checkpoint of a training that is resumed has reached; upstream's start value otherwise."""
    if not resume_epoch:
        return 0.0
    folder = Path(output_dir)
    now = noted.read(folder, model_name)
    if now is None:
        file = noted.path(folder, model_name)
        logger().info(f"Resume: the best accuracy so far is unknown (no {file} with its .pdparams), it starts anew")
        return 0.0
    saved = state.read(Checkpoint(folder, model_name, resume_epoch).state_file())
    then = (saved.best and noted.of(saved.best)) if saved else now
    if then != now:
        logger().info(
            f"Resume: the best checkpoint is {now}, of a training that went on from epoch {resume_epoch}; until then "
            f"the best was {then or 'none'}, and the next that is better takes its place"
        )
    else:
        logger().info(f"Resume: the best so far is {now}")
    return then.best if then else 0.0


def write_best(output_dir: str, model_name: str, best: float, epoch: int) -> None:
    """Note what the best checkpoint, which upstream has just saved, has reached."""
    noted.write(Path(output_dir), model_name, Best(float(best), epoch))


def _counts_its_own_epochs(module: ModuleType) -> bool:
    return not mentions(module.train_model, "set_epoch")


def _tell_the_epoch(module: ModuleType) -> None:
    told = f"{EPOCH}; train_loader.batch_sampler.set_epoch(epoch)"
    module.train_model = with_line(module.train_model, EPOCH, told)  # type: ignore[attr-defined]


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
    Fix(
        "data-order-on-resume",
        "paddlevideo.tasks.train",
        "tasks/train.py:185",
        "after resume_epoch the epochs have the data in the order of the first ones again",
        FALSIFIES,
        _counts_its_own_epochs,
        _tell_the_epoch,
    ),
)
