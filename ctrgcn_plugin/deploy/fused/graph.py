"""The fused forward pass, written once over :class:`~ctrgcn_plugin.deploy.fused.ops.Ops`.

Feature maps are (B, C, V, T) with B = N * M: the aggregation is then a matmul whose long axis is contiguous.
What it computes is what the layers compute, in another order: a mean over time and a 1x1 convolution commute,
as do a maximum or a ReLU and a positive factor; sums of convolutions of one input are one convolution.
"""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from ctrgcn_plugin.deploy.fused.folding import Block, Folded, Pointwise, Spatial, Temporal, stacked
from ctrgcn_plugin.deploy.fused.ops import Ops


def forward(ops: Ops[Any], network: Folded, clips: Any, frames: int) -> Any:
    """Clips (N, C, T, V, m) -> scores (N, K).

    Any m from 1 to M persons may be given: those that are not there are taken as all zero, and their
    features, which are then constants, are not computed.
    """
    persons, channels, joints = network.scale.shape
    there = ops.persons(clips)
    x = ops.transpose(clips, [0, 4, 1, 3, 2])  # (N, m, C, V, T)
    scale, shift = (
        ops.gather(ops.constant(values[..., None]), ops.count_to(there)) for values in (network.scale, network.shift)
    )
    x = ops.add(ops.multiply(x, scale), shift)
    x = ops.reshape(x, [-1, channels, joints, frames])
    for part in network.blocks:
        x = block(ops, part, x, joints, frames)
        frames = -(-frames // part.temporal.stride)
    features = ops.reshape(ops.mean(x, [2, 3]), [-1, network.features])
    absent = ops.gather(ops.constant(network.absent), there)
    total = ops.add(ops.sum(ops.unfold_persons(features, there), 1), absent)
    scores = ops.matmul(total, ops.constant(network.classifier.weight.T / persons))
    return ops.add(scores, ops.constant(network.classifier.bias[None]))


def block(ops: Ops[Any], part: Block, x: Any, joints: int, frames: int) -> Any:
    """(B, C, V, T) -> (B, C', V, T / stride)."""
    inner = x if part.spatial is None else spatial(ops, part.spatial, x, joints, frames)
    y, shortcut = temporal(ops, part.temporal, inner, part.shortcut)
    if part.residual:
        y = ops.add(y, x if shortcut is None else _pointwise(ops, x, shortcut, part.temporal.stride))
    return ops.relu(y)


def spatial(ops: Ops[Any], part: Spatial, x: Any, joints: int, frames: int) -> Any:
    """(B, C, V, T) -> (B, C', V, T)."""
    subsets, channels, _ = part.lift.shape
    # The sum over subsets is a part of the product: U rows, S * V columns. Three axes, because oneDNN's inference
    # pass takes a matmul of four for a part of the convolution before it, and computes it wrongly (Paddle 2.6 to
    # 3.3, on by default on CPU).
    topology = ops.reshape(_topologies(ops, part, x, joints), [-1, subsets, channels, joints, joints])
    topology = ops.reshape(ops.transpose(topology, [0, 2, 3, 1, 4]), [-1, joints, subsets * joints])
    weight, bias = part.features.transpose(1, 0, 2), part.features_bias.transpose()
    features = ops.conv(x, _rows(weight)[..., None], bias.reshape(-1))  # (B, C' * S, V, T)
    features = ops.reshape(features, [-1, subsets * joints, frames])
    y = ops.reshape(ops.matmul(topology, features), [-1, channels, joints, frames])
    if part.shortcut is None:
        y = ops.add_bias(ops.add(y, x), part.bias)
    else:
        y = ops.add(y, _pointwise(ops, x, part.shortcut.shifted(part.bias)))
    return ops.relu(y)


def _topologies(ops: Ops[Any], part: Spatial, x: Any, joints: int) -> Any:
    """The refined topology of every subset and channel: (B, C, V, T) -> (B, S * C', V, V).

    The shared topology passes through the lift as one more channel of the relation, whose query and key
    are zero and whose weight is 1: a sum with a small constant in place of one with a map of S * C' channels.
    """
    subsets, channels, relations = part.lift.shape
    groups = len(part.query.bias) // relations
    extra = subsets // groups  # of the channels of a group
    width = relations + extra
    query, key = (_widened(projection, groups, relations, extra) for projection in (part.query, part.key))
    lift = np.zeros((subsets, channels, width))
    lift[..., :relations] = part.lift
    for subset in range(subsets):
        lift[subset, :, relations + subset % extra] = 1
    shared = ops.reshape(ops.constant(part.topology), [groups, extra, joints, joints])
    shared = ops.concat([ops.zeros(groups, relations, joints, joints), shared], 1)

    projected = _pointwise(ops, ops.mean(x, [3]), stacked([query, key]))
    queries, keys = ops.split(projected, 2)
    keys = ops.reshape(keys, [-1, groups * width, 1, joints])
    relation = ops.tanh(ops.subtract(queries, keys))  # (B, groups * width, U, V)
    relation = ops.add(relation, ops.reshape(shared, [1, groups * width, joints, joints]))
    return ops.conv(relation, _rows(lift)[..., None], part.lift_bias.reshape(-1), groups=groups)


def temporal(ops: Ops[Any], part: Temporal, x: Any, shortcut: Optional[Pointwise]) -> tuple[Any, Optional[Pointwise]]:
    """(B, C, V, T) -> (B, C', V, T / stride), and `shortcut` with what of this unit fits into its bias."""
    width = len(part.pool_shift)
    *narrow, pooled = ops.split(ops.relu(_pointwise(ops, x, part.entry)), len(part.dilated) + 1)
    branches = [
        ops.conv(y, conv.weight, conv.bias, stride=part.stride, dilation=conv.dilation)
        for y, conv in zip(narrow, part.dilated)
    ]
    pooled = ops.max_pool(pooled, part.stride)
    if part.pool_scale is not None:
        pooled = ops.multiply(pooled, ops.constant(part.pool_scale[None, :, None, None]))
    if shortcut is None or part.rectified:
        pooled = ops.add_bias(pooled, part.pool_shift)
    else:
        shift = np.zeros(len(shortcut.bias))
        shift[len(part.dilated) * width :][:width] = part.pool_shift
        shortcut = shortcut.shifted(shift)
    y = ops.concat([*branches, pooled, _pointwise(ops, x, part.last, part.stride)], 1)
    return (ops.relu(y) if part.rectified else y), shortcut


def _pointwise(ops: Ops[Any], x: Any, projection: Pointwise, stride: int = 1) -> Any:
    return ops.conv(x, projection.weight[..., None], projection.bias, stride=stride)


def _widened(projection: Pointwise, groups: int, channels: int, extra: int) -> Pointwise:
    """With `extra` zero channels at the end of every group."""
    weight, bias = (
        np.pad(values.reshape(groups, channels, -1), ((0, 0), (0, extra), (0, 0)))
        for values in (projection.weight, projection.bias)
    )
    return Pointwise(_rows(weight), bias.reshape(-1))


def _rows(values: np.ndarray) -> np.ndarray:
    """(A, B, I) -> (A * B, I)."""
    return values.reshape(-1, values.shape[-1])
