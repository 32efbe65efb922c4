"""``paddlevideo.metrics.skeleton_metric``: how a test's batches make one accuracy."""

from __future__ import annotations

import functools
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from ctrgcn_plugin.upstream.fixes.code import mentions
from ctrgcn_plugin.upstream.fixes.fix import FALSIFIES, STOPS, Fix
from ctrgcn_plugin.upstream.fixes.heads_base import SYMPTOM
from ctrgcn_plugin.upstream.fixes.proxy import Proxy, replaced


def _metric(module: ModuleType) -> Any:
    # the module's own name is None: upstream's decorator registers the class and returns nothing
    return module.METRIC.get("SkeletonMetric")


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


def _averages_batches(module: ModuleType) -> bool:
    """Of three clips classified rightly and one wrongly, in two batches: whether that makes a half."""

    def accuracy(input: np.ndarray, label: np.ndarray, k: int) -> np.ndarray:
        return np.array(len(input) == 3, "float32").view(_Tensor)

    said: list[str] = []
    paddle = Proxy(module.paddle, metric=SimpleNamespace(accuracy=accuracy))
    with replaced(module, paddle=paddle, logger=SimpleNamespace(info=said.append)):
        metric = _metric(module)(data_size=4, batch_size=3)
        metric.world_size = 1
        for batch, clips in enumerate((3, 1)):
            metric.update(batch, [np.zeros(clips), np.zeros((clips, 1))], np.zeros((clips, 5)).view(_Tensor))
        metric.accumulate()
    return "0.75" not in said[-1]


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
)
