"""``paddlevideo.modeling.backbones.ctrgcn``: upstream's CTRGCN on a CPU, and how it starts."""

from __future__ import annotations

import functools
from types import ModuleType, SimpleNamespace
from typing import Any

from ctrgcn_plugin.upstream.fixes.code import mentions
from ctrgcn_plugin.upstream.fixes.fix import FALSIFIES, STOPS, Fix


def _aggregates_by_matmul(module: ModuleType) -> bool:
    return mentions(module.einsum, "matmul")


def _aggregate_by_einsum(module: ModuleType) -> None:
    from ctrgcn_plugin.models.units import aggregate

    module.einsum = aggregate  # type: ignore[attr-defined]


def _moves_topology_to_gpu(module: ModuleType) -> bool:
    return mentions(module.unit_gcn.forward, "cuda")


def _leave_topology(module: ModuleType) -> None:
    unit = module.unit_gcn
    original = unit.forward

    @functools.wraps(original)
    def forward(self: Any, x: Any) -> Any:
        if self.adaptive:
            return original(self, x)
        # the same computation on the constant topology, which is already where the layer is
        y = 0
        # no generator: in static mode Paddle 3.3 mixes up the names that one shares with its function
        for i, conv in enumerate(self.convs):
            y = conv(x, self.A[i], self.alpha) + y
        return self.relu(self.bn(y) + self.down(x))

    unit.forward = forward


def _initialises_little(module: ModuleType) -> bool:
    try:
        module.conv_init(SimpleNamespace(weight=object(), bias=None))
    except Exception:
        # it tried to fill what is no tensor: what is left to ask is whether anybody calls it for every unit
        makers = (module.CTRGCN, module.TCN_GCN_unit, module.unit_gcn, module.MultiScale_TemporalConv)
        functions = [module.CTRGCN.init_weights, *(maker.__init__ for maker in makers)]
        return not any(mentions(function, word) for function in functions for word in ("sublayers", "init_weights"))
    return True


def _initialise_units(module: ModuleType) -> None:
    backbone = module.CTRGCN
    original = backbone.init_weights
    from ctrgcn_plugin.models import units

    @functools.wraps(original)
    def init_weights(self: Any) -> None:
        for layer in self.sublayers():
            if isinstance(layer, module.unit_gcn):
                units.init_spatial(layer)
            elif isinstance(layer, module.MultiScale_TemporalConv):
                units.init_temporal(layer)
            elif isinstance(layer, module.unit_tcn):
                units.init_convs(layer)
        original(self)

    backbone.init_weights = init_weights


FIXES = (
    Fix(
        "onednn-matmul",
        "paddlevideo.modeling.backbones.ctrgcn",
        "modeling/backbones/ctrgcn.py:35",
        "exported on CPU, the model silently predicts wrongly: oneDNN's matmul straight after a convolution",
        FALSIFIES,
        _aggregates_by_matmul,
        _aggregate_by_einsum,
    ),
    Fix(
        "non-adaptive-on-cpu",
        "paddlevideo.modeling.backbones.ctrgcn",
        "modeling/backbones/ctrgcn.py:306",
        "adaptive: False calls .cuda() on a CPU build",
        STOPS,
        _moves_topology_to_gpu,
        _leave_topology,
    ),
    Fix(
        "ctrgcn-initialisation",
        "paddlevideo.modeling.backbones.ctrgcn",
        "modeling/backbones/ctrgcn.py:25, 488",
        "init_weights() leaves all but data_bn at Paddle's defaults: training does not start as CTR-GCN's does",
        FALSIFIES,
        _initialises_little,
        _initialise_units,
    ),
)
