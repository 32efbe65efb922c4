"""``RecognizerDistillation``: the accuracy that it logs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from ctrgcn_plugin.upstream.fixes.fix import FALSIFIES, STOPS, Fix
from ctrgcn_plugin.upstream.fixes.heads_base import SYMPTOM, TOP
from ctrgcn_plugin.upstream.fixes.proxy import Proxy, replaced

MODULE = "paddlevideo.modeling.framework.recognizers.recognizerDistillation"


def _top1(module: ModuleType, classes: int, labels: Sequence[Any], cards: int = 1) -> Any:
    """What get_acc gives while validating, with stand-ins for Paddle's accuracy and for other cards."""

    def accuracy(input: Any, label: Any, k: int) -> np.ndarray:
        if k > classes:
            raise ValueError(k)
        return np.array(0.5)

    def all_reduce(value: np.ndarray, op: Any = None) -> None:
        """As if the other card were wrong about all of its data: their sum is what is there."""

    distributed = Proxy(module.paddle.distributed, all_reduce=all_reduce)
    paddle = Proxy(module.paddle, metric=SimpleNamespace(accuracy=accuracy), distributed=distributed)
    with replaced(module, paddle=paddle, get_dist_info=lambda: (0, cards)):
        return module.RecognizerDistillation.get_acc(None, np.zeros((2, classes)), labels, "Val")[0]


def _plain() -> np.ndarray:
    return np.zeros((2, 1), "int64")


def _gives_an_accuracy_a_clip(module: ModuleType) -> bool:
    return np.size(_top1(module, TOP, [_plain(), _plain(), np.ones(2, "float32")])) > 1


def _takes_five(module: ModuleType) -> bool:
    try:
        _top1(module, TOP - 1, [_plain()])
    except ValueError:
        return True
    return False


def _validates_on_one_card(module: ModuleType) -> bool:
    return float(_top1(module, TOP, [_plain()], cards=2)) != 0.25


def _where(is_odd: Callable[[Any, Sequence[Any], str], bool]) -> Callable[[ModuleType], None]:
    """A cure: where `is_odd(scores, labels, mode)` the accuracy is ours, everywhere else upstream's."""

    def cure(module: ModuleType) -> None:
        recognizer = module.RecognizerDistillation
        original = recognizer.get_acc
        from ctrgcn_plugin.models.labels import accuracies

        @functools.wraps(original)
        def get_acc(self: Any, scores: Any, labels: Sequence[Any], mode: str = "Train") -> Any:
            if not is_odd(scores, labels, mode):
                return original(self, scores, labels, mode)
            found = accuracies(scores, labels, over_all_ranks=mode == "Val")
            return found["top1"], found["top5"]

        recognizer.get_acc = get_acc

    return cure


def _on_many_cards(scores: Any, labels: Sequence[Any], mode: str) -> bool:
    import paddle

    return mode == "Val" and paddle.distributed.get_world_size() > 1


FIXES = (
    Fix(
        "distillation-mixup",
        MODULE,
        "modeling/framework/recognizers/recognizerDistillation.py:147",
        "only one element variable can be converted to float, with Mixup",
        STOPS,
        _gives_an_accuracy_a_clip,
        _where(lambda scores, labels, mode: len(labels) == 3),
    ),
    Fix(
        "top5-of-few-in-distillation",
        MODULE,
        "modeling/framework/recognizers/recognizerDistillation.py:128",
        SYMPTOM,
        STOPS,
        _takes_five,
        _where(lambda scores, labels, mode: scores.shape[-1] < TOP),
    ),
    Fix(
        "distillation-all-reduce",
        MODULE,
        "modeling/framework/recognizers/recognizerDistillation.py:134, 142",
        "validation on several cards gives, and chooses the best checkpoint by, the accuracy of one card's data",
        FALSIFIES,
        _validates_on_one_card,
        _where(_on_many_cards),
    ),
)
