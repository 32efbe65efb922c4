"""``paddlevideo.metrics.skeleton_metric``: how a test's batches make one accuracy, and a score file."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Optional

import numpy as np

from ctrgcn_plugin.data import scores as score_files
from ctrgcn_plugin.data.prepared import read_labels
from ctrgcn_plugin.data.scores import Scores
from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.upstream.fixes.code import mentions
from ctrgcn_plugin.upstream.fixes.fix import FALSIFIES, LACKS, STOPS, Fix, always
from ctrgcn_plugin.upstream.fixes.heads_base import SYMPTOM
from ctrgcn_plugin.upstream.fixes.proxy import Proxy, replaced
from ctrgcn_plugin.upstream.log import logger
from ctrgcn_plugin.upstream.ranks import rank

NAME = "SkeletonMetric"


def _metric(module: ModuleType) -> Any:
    # the module's own name is None: upstream's decorator registers the class and returns nothing
    return module.METRIC.get(NAME)


def _takes_five(module: ModuleType) -> bool:
    return not mentions(_metric(module).update, "min")


def _take_what_there_is(module: ModuleType) -> None:
    metric = _metric(module)
    original = metric.update

    @functools.wraps(original)
    def update(self: Any, batch_id: int, data: Any, outputs: Any) -> None:
        self.k = min(self.k, outputs.shape[-1])
        original(self, batch_id, data, outputs)

    metric.update = update


class _Tensor(np.ndarray):
    """An array with what the metric asks of a Tensor."""

    def numpy(self) -> np.ndarray:
        return np.asarray(self)

    # a single value is a Tensor, too, and no scalar
    def __getitem__(self, key: Any) -> Any:
        return np.asarray(super().__getitem__(key)).view(_Tensor)

    def __array_wrap__(self, array: np.ndarray, *_: Any) -> Any:
        return np.asarray(array).view(_Tensor)


def _logged(module: ModuleType, ranks: int = 1) -> str:
    """What the metric says of three clips classified rightly and one wrongly, in two batches; no rank is waited for."""

    def accuracy(input: np.ndarray, label: np.ndarray, k: int) -> np.ndarray:
        return np.array(len(input) == 3, "float32").view(_Tensor)

    def to_tensor(values: object, dtype: object = None) -> np.ndarray:
        return np.array(values, "float32").view(_Tensor)

    said: list[str] = []
    paddle = Proxy(
        module.paddle,
        metric=SimpleNamespace(accuracy=accuracy),
        distributed=Proxy(module.paddle.distributed, all_reduce=lambda *_, **__: None),
        # what the patch metric-in-ranks takes
        to_tensor=to_tensor,
        concat=lambda parts: np.concatenate(parts).view(_Tensor),
    )
    with replaced(module, paddle=paddle, logger=SimpleNamespace(info=said.append)):
        metric = _metric(module)(data_size=4, batch_size=3)
        metric.world_size = ranks
        for batch, clips in enumerate((3, 1)):
            metric.update(batch, [np.zeros(clips), np.zeros((clips, 1))], np.zeros((clips, 5)).view(_Tensor))
        if ranks == 1:
            metric.accumulate()
    return said[-1]


def _averages_batches(module: ModuleType) -> bool:
    return "0.75" not in _logged(module)


def _average_clips(module: ModuleType) -> None:
    metric = _metric(module)
    original = metric.update

    @functools.wraps(original)
    def update(self: Any, batch_id: int, data: Any, outputs: Any) -> None:
        batches = len(self.top1)
        original(self, batch_id, data, outputs)
        if len(self.top1) > batches:
            # upstream averages these lists: a batch is in them once for each of its clips
            for values in (self.top1, self.top5):
                values.extend(values[-1:] * (data[1].shape[0] - 1))

    metric.update = update


def _calculates_with_a_task(module: ModuleType) -> bool:
    try:
        _logged(module, ranks=2)
    except TypeError:
        return True
    return False


def _put_ranks_together(module: ModuleType) -> None:
    metric = _metric(module)
    metric.update = _of_this_rank(metric.update)
    metric.accumulate = _of_all_ranks(metric.accumulate)


def _of_this_rank(original: Callable) -> Callable:
    @functools.wraps(original)
    def update(self: Any, batch_id: int, data: Any, outputs: Any) -> None:
        ranks, samples = self.world_size, self.data_size
        if ranks > 1 and len(data) != 2:
            raise ConfigError(
                f"a test without labels answers in one process, not in {ranks}; start it without "
                "paddle.distributed.launch, or give DATASET.test.label_path"
            )
        self.world_size, self.data_size = 1, samples // ranks
        try:
            original(self, batch_id, data, outputs)
        finally:
            self.world_size, self.data_size = ranks, samples

    return update


def _of_all_ranks(original: Callable) -> Callable:
    @functools.wraps(original)
    def accumulate(self: Any) -> None:
        # the last is there where a PaddleVideo has the patch metric-weights
        for name in ("top1", "top5", "num_samples"):
            if self.world_size > 1 and hasattr(self, name):
                setattr(self, name, list(_gathered(np.reshape(getattr(self, name), -1))))
        original(self)

    return accumulate


def _gathered(values: np.ndarray) -> np.ndarray:
    from ctrgcn_plugin.training.distributed import gathered

    return gathered(values)


class _ScoreKeeping:
    """Comes before upstream's SkeletonMetric: saves each clip's scores, in the data's order.

    Args:
        scores: the score file to write, see :mod:`ctrgcn_plugin.data.scores`; nothing is kept where it is None.
        label_path: of the test, for the clips' names.
        classes: names by label, where they are known.
    """

    world_size: int

    def __init__(
        self,
        *args: Any,
        scores: Optional[str] = None,
        label_path: Optional[str] = None,
        classes: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        # a mistake here is to be known before the test, not after it
        self._file = None if scores is None else score_files.target(scores)
        self._names = read_labels(label_path).names if scores and label_path else ()
        self._classes = classes
        self._scores: list[np.ndarray] = []
        self._labels: list[np.ndarray] = []

    def update(self, batch_id: int, data: Any, outputs: Any) -> None:
        super().update(batch_id, data, outputs)  # type: ignore[misc]
        if self._file is None:
            return
        values = outputs.numpy().astype(np.float32)
        # of several segments of a clip, upstream takes the mean
        self._scores.append(values.reshape(data[0].shape[0], -1, values.shape[-1]).mean(axis=1))
        self._labels += [labels.numpy().reshape(-1) for labels in data[1:]]

    def accumulate(self) -> None:
        super().accumulate()  # type: ignore[misc]
        if not self._file or not self._scores:
            return
        values = np.concatenate(self._scores)
        labels = np.concatenate(self._labels) if self._labels else None
        if self.world_size > 1:
            # which have consecutive clips
            values, labels = _gathered(values), None if labels is None else _gathered(labels)
        if not rank():
            self._save(self._file, values, labels)

    def _save(self, file: Path, values: np.ndarray, labels: Optional[np.ndarray]) -> None:
        if labels is not None:
            score_files.require_classes(labels, values.shape[1], "the test")
        names = np.array(self._names[: len(values)]) if len(self._names) >= len(values) else None
        Scores(values, labels, names, np.array(self._classes) if self._classes else None).save(file)
        logger().info(f"[TEST] scores of {len(values)} clips saved in {file}")
        if labels is not None:
            taken = score_files.confusion(values, labels)
            tables = score_files.save_tables(file, taken, self._classes)
            mean = np.nanmean(score_files.class_accuracy(taken))
            logger().info(f"[TEST] mean_class_acc= {mean}, in detail in {' and '.join(map(str, tables))}")


def _keep_scores(module: ModuleType) -> None:
    module.METRIC._obj_map[NAME] = type(NAME, (_ScoreKeeping, _metric(module)), {})


FIXES = (
    Fix(
        "top5-of-few-in-metric",
        "paddlevideo.metrics.skeleton_metric",
        "metrics/skeleton_metric.py:62",
        SYMPTOM,
        STOPS,
        _takes_five,
        _take_what_there_is,
    ),
    Fix(
        "metric-weights",
        "paddlevideo.metrics.skeleton_metric",
        "metrics/skeleton_metric.py:86",
        "a test's accuracy is the mean over batches: a smaller last batch counts as much as a full one",
        FALSIFIES,
        _averages_batches,
        _average_clips,
    ),
    Fix(
        "metric-in-ranks",
        "paddlevideo.metrics.skeleton_metric",
        "metrics/skeleton_metric.py:64",
        "unsupported operand type(s) for /: 'paddle.base.libpaddle.task' and 'int', in several processes",
        STOPS,
        _calculates_with_a_task,
        _put_ranks_together,
    ),
    # last: it replaces the class, which the others change
    Fix(
        "metric-scores",
        "paddlevideo.metrics.skeleton_metric",
        "metrics/skeleton_metric.py:33",
        "METRIC.scores: a test's scores are lost, and streams cannot be fused without them",
        LACKS,
        always,
        _keep_scores,
    ),
)
