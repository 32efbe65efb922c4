"""``paddlevideo.modeling.heads.base``: top-5 among fewer than five classes."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from ctrgcn_plugin.upstream.fixes.code import mentions
from ctrgcn_plugin.upstream.fixes.fix import STOPS, Fix

TOP = 5
SYMPTOM = "The rank (5) of the input 'k' for topk op must be less than or equal to 4"


def _takes_five(module: ModuleType) -> bool:
    get_acc = module.BaseHead.get_acc
    return mentions(get_acc, TOP) and not mentions(get_acc, "min")


def _take_what_there_is(module: ModuleType) -> None:
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


FIXES = (
    Fix(
        "top5-of-few-in-head",
        "paddlevideo.modeling.heads.base",
        "modeling/heads/base.py:157",
        SYMPTOM,
        STOPS,
        _takes_five,
        _take_what_there_is,
    ),
)
