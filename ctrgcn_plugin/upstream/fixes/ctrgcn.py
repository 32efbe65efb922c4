"""``paddlevideo.modeling.backbones.ctrgcn``: upstream's CTRGCN on a CPU."""

from __future__ import annotations

import functools
from types import ModuleType
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
        y = sum(conv(x, self.A[i], self.alpha) for i, conv in enumerate(self.convs))
        return self.relu(self.bn(y) + self.down(x))

    unit.forward = forward


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
)
