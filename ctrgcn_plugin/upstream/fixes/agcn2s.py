"""``paddlevideo.modeling.backbones.agcn2s``: AGCN2s cannot be exported."""

from __future__ import annotations

from types import ModuleType

from ctrgcn_plugin.upstream.fixes.code import mentions, with_line
from ctrgcn_plugin.upstream.fixes.fix import STOPS, Fix

RESHAPES = ("([N, M * V * C, T])", "([N, M, V, C,", "([N * M, C, T, V])")


def _reshapes_in_place(module: ModuleType) -> bool:
    return mentions(module.AGCN2s.forward, "reshape_")


def _reshape_a_copy(module: ModuleType) -> None:
    forward = module.AGCN2s.forward
    for shape in RESHAPES:
        forward = with_line(forward, f".reshape_{shape}", f".reshape{shape}")
    module.AGCN2s.forward = forward


FIXES = (
    Fix(
        "agcn2s-export",
        "paddlevideo.modeling.backbones.agcn2s",
        "modeling/backbones/agcn2s.py:212",
        "reshape_'s output variable is a viewed Tensor in dygraph mode",
        STOPS,
        _reshapes_in_place,
        _reshape_a_copy,
    ),
)
