"""``BaseHead`` and ``SkeletonMetric``: top-5 among fewer than five classes."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from ctrgcn_plugin.upstream.fixes.code import mentions
from ctrgcn_plugin.upstream.fixes.fix import STOPS, Fix

TOP = 5
SYMPTOM = "The rank (5) of the input 'k' for topk op must be less than or equal to 4"


def _head_takes_five(module: ModuleType) -> bool:
    get_acc = module.BaseHead.get_acc
    return mentions(get_acc, TOP) and not mentions(get_acc, "min")


def _mend_head(module: ModuleType) -> None:
    head = module.BaseHead
    original = head.get_acc
    from ctrgcn_plugin.models.labels import accuracies

    @functools.wraps(original)
    def get_acc(self: Any, scores: Any, labels: Any, valid_mode: bool, if_top5: bool = True) -> Any:
        if scores.shape[-1] >= TOP:
            return original(self, scores, labels, valid_mode, if_top5)
        found = accuracies(scores, [labels], valid_mode, if_top5)
        return (found["top1"], found["top5"]) if if_top5 else found["top1"]

    head.get_acc = get_acc


def _metric(module: ModuleType) -> Any:
    # the module's own name is None: upstream's decorator registers the class and returns nothing
    return module.METRIC.get("SkeletonMetric")


def _metric_takes_five(module: ModuleType) -> bool:
    return not mentions(_metric(module).update, "min")


def _mend_metric(module: ModuleType) -> None:
    metric = _metric(module)
    original = metric.update

    @functools.wraps(original)
    def update(self: Any, batch_id: int, data: Any, outputs: Any) -> None:
        self.k = min(self.k, outputs.shape[-1])
        original(self, batch_id, data, outputs)

    metric.update = update


FIXES = (
    Fix(
        "top5-of-few-in-head",
        "paddlevideo.modeling.heads.base",
        "modeling/heads/base.py:157",
        SYMPTOM,
        STOPS,
        _head_takes_five,
        _mend_head,
    ),
    Fix(
        "top5-of-few-in-metric",
        "paddlevideo.metrics.skeleton_metric",
        "metrics/skeleton_metric.py:62",
        SYMPTOM,
        STOPS,
        _metric_takes_five,
        _mend_metric,
    ),
)
