"""A trained network as plain arrays: BN, alpha and the topology folded into the convolutions beside them.

Everything is float64, so that folding rounds once, when a graph is written. Block by block the result is
what the layers of :mod:`ctrgcn_plugin.models.units` compute in eval mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import paddle

from ctrgcn_plugin.models import units
from ctrgcn_plugin.models.backbones import SkeletonBackbone
from ctrgcn_plugin.models.network import Network


@dataclass(frozen=True)
class Pointwise:
    """A 1x1 convolution: weight (O, I), bias (O,)."""

    weight: np.ndarray
    bias: np.ndarray

    def scaled(self, scale: np.ndarray) -> Pointwise:
        """Followed by a factor for each output channel."""
        return Pointwise(self.weight * scale[:, None], self.bias * scale)

    def shifted(self, shift: np.ndarray) -> Pointwise:
        """Followed by a summand for each output channel."""
        return Pointwise(self.weight, self.bias + shift)


@dataclass(frozen=True)
class TimeConv:
    """A convolution along time: weight (O, I, K), bias (O,); padded so that stride 1 keeps T."""

    weight: np.ndarray
    bias: np.ndarray
    dilation: int


@dataclass(frozen=True)
class Spatial:
    """CTR-GC over S subsets with its BN and residual; G relations, one for all subsets or one for each.

    Attributes:
        query, key: (G * R, C), applied to the features' mean over time.
        lift: (S, C', R), from a relation to the channels, times alpha; lift_bias (S, C').
        topology: (S, V, V).
        features: (S, C', C) times BN's scale; features_bias (S, C').
        bias: (C',), BN's shift.
        shortcut: None where the residual is the input itself.
    """

    query: Pointwise
    key: Pointwise
    lift: np.ndarray
    lift_bias: np.ndarray
    topology: np.ndarray
    features: np.ndarray
    features_bias: np.ndarray
    bias: np.ndarray
    shortcut: Optional[Pointwise]

    @property
    def relations(self) -> int:
        """R, channels of one relation."""
        return self.lift.shape[2]


@dataclass(frozen=True)
class Temporal:
    """Multi-scale temporal modelling.

    Attributes:
        entry: (3 W, C), of the dilated branches and the pooled one, before their ReLU.
        dilated: one convolution for each dilated branch.
        pool_scale, pool_shift: (W,), BN after the max pooling; the scale is None where it is folded into `entry`.
        last: (W', C), the branch without a ReLU.
        stride: in time, of all branches.
        rectified: whether a ReLU follows, before the residual is added.
    """

    entry: Pointwise
    dilated: tuple[TimeConv, ...]
    pool_scale: Optional[np.ndarray]
    pool_shift: np.ndarray
    last: Pointwise
    stride: int
    rectified: bool


@dataclass(frozen=True)
class Block:
    """Spatial modelling (where the stage has it), temporal modelling, residual.

    Attributes:
        residual: whether there is one.
        shortcut: what it passes; None is the block's input itself.
    """

    spatial: Optional[Spatial]
    temporal: Temporal
    residual: bool
    shortcut: Optional[Pointwise]


@dataclass(frozen=True)
class Folded:
    """A network: clips (N, C, T, V, M) -> scores (N, K).

    Attributes:
        scale, shift: (M, C, V), the data BN.
        blocks: in their order.
        absent: (M + 1, C'), what the persons add to the classifier's input who are not there, who are all zero:
            row m is the sum over all but the first m.
        classifier: (K, C').
    """

    scale: np.ndarray
    shift: np.ndarray
    blocks: tuple[Block, ...]
    absent: np.ndarray
    classifier: Pointwise

    @property
    def features(self) -> int:
        """C', channels that the classifier takes."""
        return self.classifier.weight.shape[1]


def fold(network: Network, frames: int) -> Folded:
    """Fold a network of any backbone in :mod:`ctrgcn_plugin.models.backbones`, for clips of `frames` frames."""
    backbone: SkeletonBackbone = network.backbone
    channels, joints, persons = backbone.clip_shape
    # the data BN counts its channels as (M, V, C)
    scale, shift = (
        values.reshape(persons, joints, channels).transpose(0, 2, 1) for values in _affine(backbone.data_bn)
    )
    head = network.head.fc
    return Folded(
        scale,
        shift,
        tuple(fold_block(getattr(backbone, name)) for name in backbone.block_names),
        _absent(backbone, frames),
        Pointwise(_values(head.weight).T, _values(head.bias)),
    )


def _absent(backbone: SkeletonBackbone, frames: int) -> np.ndarray:
    channels, joints, persons = backbone.clip_shape
    with paddle.no_grad():
        features, _, _ = backbone(paddle.zeros([1, channels, frames, joints, persons]))
    each = features.mean([2, 3]).numpy().astype(np.float64)
    return np.stack([each[there:].sum(0) for there in range(persons + 1)])


def fold_block(block: units.Block) -> Block:
    """Fold one block."""
    shortcut = None if block.residual is None else _pointwise(block.residual.conv, block.residual.bn)
    spatial = None if block.gcn1 is None else fold_spatial(block.gcn1)
    return Block(spatial, fold_temporal(block.tcn1), block.has_residual, shortcut)


def fold_spatial(unit: units.SpatialUnit) -> Spatial:
    """Fold spatial modelling in either of its forms."""
    subsets = _values(unit.PA if unit.adaptive else unit.A)
    parts = _merged_ctrgc if isinstance(unit.convs, units.MergedCTRGC) else _subset_ctrgc
    query, key, features, lifts = parts(unit.convs)
    scale, shift = _affine(unit.bn)
    alpha = float(_values(unit.alpha)[0])
    return Spatial(
        query=query,
        key=key,
        lift=alpha * np.stack([lift.weight for lift in lifts]),
        lift_bias=alpha * np.stack([lift.bias for lift in lifts]),
        topology=subsets,
        features=np.stack([feature.scaled(scale).weight for feature in features]),
        features_bias=np.stack([feature.scaled(scale).bias for feature in features]),
        bias=shift,
        shortcut=None if unit.down is None else _pointwise(*unit.down),
    )


def fold_temporal(unit: Any) -> Temporal:
    """Fold temporal modelling in any of its forms."""
    rectified = isinstance(unit, units.RectifiedMultiScaleTemporal)
    if rectified:
        unit = unit[0]
    if isinstance(unit, units.MergedMultiScaleTemporal):
        entry = _pointwise(unit.conv_pw[0], unit.conv_pw[1])
        dilated, (_, pool_bn), last = unit.branches[:2], unit.branches[2], unit.branches[3]
    else:
        entry = stacked([_pointwise(branch[0], branch[1]) for branch in unit.branches[:3]])
        dilated, pool_bn, last = [branch[3] for branch in unit.branches[:2]], unit.branches[2][4], unit.branches[3]
    pool_scale, pool_shift = _affine(pool_bn)
    folded_scale: Optional[np.ndarray] = pool_scale
    if (pool_scale > 0).all():
        # ReLU and max commute with a positive factor
        entry = entry.scaled(np.concatenate([np.ones(len(entry.bias) - len(pool_scale)), pool_scale]))
        folded_scale = None
    return Temporal(
        entry=entry,
        dilated=tuple(_time_conv(branch) for branch in dilated),
        pool_scale=folded_scale,
        pool_shift=pool_shift,
        last=_pointwise(*last),
        stride=int(dilated[0].conv._stride[0]),
        rectified=rectified,
    )


def _subset_ctrgc(convs: units.SubsetCTRGC) -> tuple[Pointwise, Pointwise, list[Pointwise], list[Pointwise]]:
    """Query, key, features of each subset, lift of each subset."""
    query, key, features, lifts = (
        [_pointwise(getattr(conv, name)) for conv in convs] for name in ("conv1", "conv2", "conv3", "conv4")
    )
    return stacked(query), stacked(key), features, lifts


def _merged_ctrgc(convs: units.MergedCTRGC) -> tuple[Pointwise, Pointwise, list[Pointwise], list[Pointwise]]:
    """The same of the merged form."""
    merged = _pointwise(convs.conv1)
    ends = np.cumsum(convs.sections)[:-1]
    query, key, *features = map(Pointwise, np.split(merged.weight, ends), np.split(merged.bias, ends))
    return query, key, features, [_pointwise(lift) for lift in convs.conv2]


def _pointwise(conv: Any, bn: Any = None) -> Pointwise:
    weight = _values(conv.weight)
    bias = np.zeros(len(weight)) if conv.bias is None else _values(conv.bias)
    folded = Pointwise(weight[:, :, 0, 0], bias)
    if bn is None:
        return folded
    scale, shift = _affine(bn)
    return folded.scaled(scale).shifted(shift)


def _time_conv(branch: units.TemporalConv) -> TimeConv:
    scale, shift = _affine(branch.bn)
    weight = _values(branch.conv.weight)[..., 0]
    bias = 0.0 if branch.conv.bias is None else _values(branch.conv.bias)
    return TimeConv(weight * scale[:, None, None], bias * scale + shift, int(branch.conv._dilation[0]))


def stacked(parts: Sequence[Pointwise]) -> Pointwise:
    """1x1 convolutions of one input as one: their outputs one after the other."""
    return Pointwise(np.concatenate([p.weight for p in parts]), np.concatenate([p.bias for p in parts]))


def _affine(bn: Any) -> tuple[np.ndarray, np.ndarray]:
    """Scale and shift of a BN in eval mode."""
    scale = _values(bn.weight) / np.sqrt(_values(bn._variance) + bn._epsilon)
    return scale, _values(bn.bias) - _values(bn._mean) * scale


def _values(parameter: Any) -> np.ndarray:
    return parameter.numpy().astype(np.float64)
