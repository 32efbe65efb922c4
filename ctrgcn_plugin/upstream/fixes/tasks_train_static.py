"""``paddlevideo.tasks.train``: ``to_static`` and sizes that Paddle takes for numbers of the run.

Paddle 3 compiles the functions of a network one by one, and takes a whole number that differs from one layer to the
next, such as a convolution's padding, for one that may differ from batch to batch. The padding of ours must not be one
(``In valid padding: [Value(...), 0]``), and any network is compiled several times for such numbers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from ctrgcn_plugin.upstream.config_check import concerns_us
from ctrgcn_plugin.upstream.fixes.code import wrapping
from ctrgcn_plugin.upstream.fixes.fix import LACKS, Fix, always

VARIABLE = "SOT_ALLOW_DYNAMIC_SHAPE"


def _with_constant_sizes(original: Callable) -> Callable:
    def train_model(cfg: Any, *args: Any, **kwargs: Any) -> Any:
        if cfg.get("to_static") and concerns_us(cfg):
            # what the user has set stays
            os.environ.setdefault(VARIABLE, "False")
        return original(cfg, *args, **kwargs)

    return train_model


FIXES = (
    Fix(
        "static-sizes",
        "paddlevideo.tasks.train",
        "tasks/train.py:107",
        f"to_static: CTRGCNLite fails in a convolution's padding, and others compile for minutes, without {VARIABLE}",
        LACKS,
        always,
        wrapping("train_model", _with_constant_sizes),
    ),
)
