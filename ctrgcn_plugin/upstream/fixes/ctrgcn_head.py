"""``paddlevideo.modeling.heads.ctrgcn_head``: how upstream's CTRGCNHead starts."""

from __future__ import annotations

from types import ModuleType

from ctrgcn_plugin.upstream.fixes.code import mentions
from ctrgcn_plugin.upstream.fixes.fix import FALSIFIES, Fix


def _initialises_nothing(module: ModuleType) -> bool:
    init_weights = module.CTRGCNHead.init_weights
    return not any(mentions(init_weights, word) for word in ("Linear", "fc"))


def _initialise_classifier(module: ModuleType) -> None:
    from ctrgcn_plugin.models.heads import CTRGCNMixupHead

    # the two heads have the same layers under the same names
    module.CTRGCNHead.init_weights = CTRGCNMixupHead.init_weights


FIXES = (
    Fix(
        "head-initialisation",
        "paddlevideo.modeling.heads.ctrgcn_head",
        "modeling/heads/ctrgcn_head.py:49",
        "init_weights() looks for convolutions, and leaves the head's linear layer at Paddle's defaults",
        FALSIFIES,
        _initialises_nothing,
        _initialise_classifier,
    ),
)
