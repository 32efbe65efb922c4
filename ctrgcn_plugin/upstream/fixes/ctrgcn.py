"""``paddlevideo.modeling.backbones.ctrgcn``: upstream's CTRGCN on a CPU."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from ctrgcn_plugin.upstream.fixes.fix import Fix


def _aggregate_by_einsum(module: ModuleType) -> bool:
    if "matmul" not in module.einsum.__code__.co_names:
        return False
    from ctrgcn_plugin.models.units import aggregate

    module.einsum = aggregate  # type: ignore[attr-defined]
    return True


def _fixed_topology_on_cpu(module: ModuleType) -> bool:
    unit = module.unit_gcn
    original = unit.forward
    if "cuda" not in original.__code__.co_names:
        return False

    @functools.wraps(original)
    def forward(self: Any, x: Any) -> Any:
        if self.adaptive:
            return original(self, x)
        # the same computation on the constant topology, which is already where the layer is
        y = sum(conv(x, self.A[i], self.alpha) for i, conv in enumerate(self.convs))
        return self.relu(self.bn(y) + self.down(x))

    unit.forward = forward
    return True


FIXES = (
    Fix(
        "onednn-matmul",
        "paddlevideo.modeling.backbones.ctrgcn",
        "modeling/backbones/ctrgcn.py:35",
        "exported on CPU, the model silently predicts wrongly: oneDNN's matmul straight after a convolution",
        _aggregate_by_einsum,
    ),
    Fix(
        "non-adaptive-on-cpu",
        "paddlevideo.modeling.backbones.ctrgcn",
        "modeling/backbones/ctrgcn.py:306",
        "adaptive: False calls .cuda() on a CPU build",
        _fixed_topology_on_cpu,
    ),
)
