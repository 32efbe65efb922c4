"""Training and testing in several processes, its ranks, as ``paddle.distributed.launch`` starts them.

Upstream's commands are to make of them what one process with all the samples makes: the same curves, accuracies that
count every sample once, one log. What that takes is in :mod:`ctrgcn_plugin.training.distributed`; here it is put where
upstream builds models, loaders and records.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Optional

from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.upstream.config_check import concerns_us
from ctrgcn_plugin.upstream.fixes.code import mentions, wrapping
from ctrgcn_plugin.upstream.fixes.fix import FALSIFIES, LACKS, Fix, always
from ctrgcn_plugin.upstream.fixes.proxy import replaced
from ctrgcn_plugin.upstream.log import logger
from ctrgcn_plugin.upstream.ranks import ranks
from ctrgcn_plugin.upstream.visualdl_log import METERS

SYNC_BN = "sync_bn"

# a config, and what a module has under some name -> what it is to have there
Change = Callable[[Mapping[str, Any], Callable], Callable]


def _in_ranks(task: str, **changes: Change) -> Callable[[ModuleType], None]:
    """A cure: while `task`, given a config of ours, runs in several ranks, its module has these names changed."""

    def cure(module: ModuleType) -> None:
        def in_ranks(original: Callable) -> Callable:
            def run(cfg: Any, *args: Any, **kwargs: Any) -> Any:
                if not concerns_us(cfg) or ranks() == 1:
                    return original(cfg, *args, **kwargs)
                changed = {name: change(cfg, getattr(module, name)) for name, change in changes.items()}
                with replaced(module, **changed):
                    return original(cfg, *args, **kwargs)

            return run

        wrapping(task, in_ranks)(module)

    return cure


def _repeats_samples(module: ModuleType) -> bool:
    from paddlevideo.loader import builder

    return not hasattr(builder, "EvenBatchSampler")


def _each_sample_once(_: Mapping[str, Any], build_dataloader: Callable) -> Callable:
    def build(*args: Any, **kwargs: Any) -> Any:
        if kwargs.get("drop_last", True) or kwargs.get("shuffle", True):
            return build_dataloader(*args, **kwargs)
        from paddlevideo.loader import builder

        from ctrgcn_plugin.training.distributed import EvenBatchSampler

        with replaced(builder, DistributedBatchSampler=EvenBatchSampler):
            return build_dataloader(*args, **kwargs)

    return build


def _of_all_ranks(_: Mapping[str, Any], build_record: Callable) -> Callable:
    def build(*args: Any, **kwargs: Any) -> Any:
        record = build_record(*args, **kwargs)
        for name in METERS:
            if name in record:
                record[name].update = _over_ranks(record[name].update)
        return record

    return build


def _over_ranks(update: Callable) -> Callable:
    def over_ranks(value: Any, n: int = 1) -> None:
        import paddle

        from ctrgcn_plugin.training.distributed import mean_over_ranks

        mean, count = mean_over_ranks(paddle.to_tensor([float(value)]), n)
        update(mean.item(), count)

    return over_ranks


def _averages_ranks(module: ModuleType) -> bool:
    get_acc = module.BaseHead.get_acc
    return mentions(get_acc, "all_reduce") and not mentions(get_acc, "shape")


def _average_samples(module: ModuleType) -> None:
    head = module.BaseHead
    original = head.get_acc

    @functools.wraps(original)
    def get_acc(self: Any, scores: Any, labels: Any, valid_mode: bool, if_top5: bool = True) -> Any:
        # which differs in being over all ranks, and nothing else
        found = original(self, scores, labels, False, if_top5)
        if not valid_mode or ranks() == 1:
            return found
        import paddle

        from ctrgcn_plugin.training.distributed import mean_over_ranks

        values = paddle.stack([value.flatten()[0] for value in (found if if_top5 else [found])])
        means, _ = mean_over_ranks(values, scores.shape[0])
        return tuple(means) if if_top5 else means[0]

    head.get_acc = get_acc


def _validates_each_with_its_own(module: ModuleType) -> bool:
    return not mentions(module.train_model, "broadcast")


def _with_one_of_the_statistics(cfg: Mapping[str, Any], build_model: Callable) -> Callable:
    def build(*args: Any, **kwargs: Any) -> Any:
        from ctrgcn_plugin.training.distributed import share_statistics

        return share_statistics(build_model(*args, **kwargs))

    return build


def _synchronised(cfg: Mapping[str, Any], build_model: Callable) -> Callable:
    asked = cfg.get(SYNC_BN, False)
    if not isinstance(asked, bool):
        raise ConfigError(f"{SYNC_BN} must be True or False, got {asked!r}")
    samples = cfg["DATASET"].get("batch_size", 8)
    if not asked:
        logger().info(
            f"batch normalisation: each of the {ranks()} processes takes its statistics of its own {samples} samples; "
            f"-o {SYNC_BN}=True has them of all {samples * ranks()}, as one process would"
        )
        return build_model

    def build(*args: Any, **kwargs: Any) -> Any:
        import paddle

        from ctrgcn_plugin.training.distributed import synchronise

        if cfg.get("to_static") and paddle.get_device() == "cpu":
            raise ConfigError(f"on a CPU {SYNC_BN} does not go with to_static; leave one of them out")
        logger().info(f"batch normalisation: statistics are of the {samples * ranks()} samples of all processes")
        return synchronise(build_model(*args, **kwargs))

    return build


def _seeds_alike(main: ModuleType) -> bool:
    names = main.main.__code__.co_varnames
    return mentions(main.main, "seed") and "rank" not in names and not mentions(main.main, "get_rank")


def _that_draws_apart(train_model: Callable) -> Callable:
    def run(*args: Any, **kwargs: Any) -> Any:
        from ctrgcn_plugin.training.distributed import draw_apart

        draw_apart()
        return train_model(*args, **kwargs)

    return run


def _writes_in_each(module: ModuleType) -> bool:
    return mentions(module.setup_logger, "FileHandler") and mentions(module.setup_logger, ".rank{}")


def _of_the_first(setup_logger: Callable) -> Callable:
    def setup(output: Optional[str] = None, *args: Any, **kwargs: Any) -> Any:
        import paddle

        # what the others warn of goes to their standard error, which the launcher keeps in log/workerlog.*
        return setup_logger(None if paddle.distributed.ParallelEnv().rank else output, *args, **kwargs)

    return setup


FIXES = (
    Fix(
        "log-of-ranks",
        "paddlevideo.utils.logger",
        "utils/logger.py:92",
        "each process but the first leaves a .log.txt.rank* of what the first has logged",
        LACKS,
        _writes_in_each,
        wrapping("setup_logger", _of_the_first),
    ),
    Fix(
        "accuracy-of-ranks",
        "paddlevideo.modeling.heads.base",
        "modeling/heads/base.py:160",
        "an accuracy of several processes is the mean of theirs, however few samples one of them has",
        FALSIFIES,
        _averages_ranks,
        _average_samples,
    ),
    Fix(
        "validation-in-ranks",
        "paddlevideo.tasks.train",
        "loader/builder.py:89",
        "in several processes a validation counts some samples twice",
        FALSIFIES,
        _repeats_samples,
        _in_ranks("train_model", build_dataloader=_each_sample_once),
    ),
    Fix(
        "curves-of-ranks",
        "paddlevideo.tasks.train",
        "tasks/train.py:261, 315",
        "in several processes the losses, and in training the accuracies, are those of the first one's samples",
        LACKS,
        always,
        _in_ranks("train_model", build_record=_of_all_ranks),
    ),
    Fix(
        "statistics-of-ranks",
        "paddlevideo.tasks.train",
        "tasks/train.py:290",
        "each process validates with batch statistics of its own, and those of the first are saved: of another network",
        FALSIFIES,
        _validates_each_with_its_own,
        _in_ranks("train_model", build_model=_with_one_of_the_statistics),
    ),
    Fix(
        "sync-bn",
        "paddlevideo.tasks.train",
        "tasks/train.py:103",
        "batch normalisation cannot be synchronised between processes",
        LACKS,
        always,
        _in_ranks("train_model", build_model=_synchronised),
    ),
    Fix(
        "test-in-ranks",
        "paddlevideo.tasks.test",
        "loader/builder.py:89",
        "in several processes a test counts some samples twice",
        FALSIFIES,
        _repeats_samples,
        _in_ranks("test_model", build_dataloader=_each_sample_once),
    ),
)

# upstream's own script, see scripts.py
IN_SCRIPTS = (
    Fix(
        "seeds-of-ranks",
        "main.py",
        "main.py:103",
        "all processes are seeded alike, and augment their samples with the same random numbers",
        FALSIFIES,
        _seeds_alike,
        wrapping("train_model", _that_draws_apart),
    ),
)
