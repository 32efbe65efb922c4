"""Building units of the CTR-GCN family.

Attribute names are those of the models' published checkpoints: a unit's state-dict keys are part
of its interface. Feature maps are (B, C, T, V) with B = N * M: every person is a sample.
"""

from __future__ import annotations

import math
from typing import Optional

import numpy as np
import paddle
from paddle import nn

from ctrgcn_plugin.models import operations
from ctrgcn_plugin.models.operations import Conv2D

RELATION_REDUCTION = 8
INPUT_RELATION_CHANNELS = 8
BRANCHES = 4
DILATIONS = (1, 2)
KERNEL_SIZE = 5


def relation_channels(in_channels: int) -> int:
    """Channels R of a CTR-GC relation: an eighth of its input's, 8 where the input is raw coordinates."""
    if in_channels in (3, 9) or in_channels < RELATION_REDUCTION:
        return INPUT_RELATION_CHANNELS
    return in_channels // RELATION_REDUCTION


class CTRGC(nn.Layer):
    """Channel-wise topology refinement graph convolution of one subset (paper, section 3.2).

    The mean over time is taken before the 1x1 convolutions; the two commute.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        relations = relation_channels(in_channels)
        self.conv1 = Conv2D(in_channels, relations, 1)
        self.conv2 = Conv2D(in_channels, relations, 1)
        self.conv3 = Conv2D(in_channels, out_channels, 1)
        self.conv4 = Conv2D(relations, out_channels, 1)

    def forward(
        self, x: paddle.Tensor, pooled: paddle.Tensor, subset: paddle.Tensor, alpha: paddle.Tensor
    ) -> paddle.Tensor:
        """x (B, C, T, V), its mean over time (B, C, 1, V), subset (V, V) -> (B, C', T, V)."""
        if operations.is_plain(self):
            query = self.conv1(pooled).transpose([0, 1, 3, 2])
            relation = self.conv4(paddle.tanh(query - self.conv2(pooled)))
            return operations.aggregate(operations.refine(relation, subset, alpha), self.conv3(x))
        relation = operations.relate_expanded(self.conv1(pooled), self.conv2(pooled))
        return operations.aggregate_by_matmul(
            operations.refine_in_convolution(relation, self.conv4, subset, alpha), self.conv3(x)
        )


class SubsetCTRGC(nn.LayerList):
    """One CTR-GC for each subset of the graph, summed."""

    def __init__(self, in_channels: int, out_channels: int, num_subset: int) -> None:
        super().__init__([CTRGC(in_channels, out_channels) for _ in range(num_subset)])

    def forward(self, x: paddle.Tensor, subsets: paddle.Tensor, alpha: paddle.Tensor) -> paddle.Tensor:
        """x (B, C, T, V), subsets (S, V, V) -> (B, C', T, V)."""
        pooled = x.mean(2, keepdim=True) if operations.is_plain(self) else operations.mean_by_sum(x)
        parts = [conv(x, pooled, subsets[i], alpha) for i, conv in enumerate(self)]
        return sum(parts[1:], parts[0])


class MergedCTRGC(nn.Layer):
    """All subsets in one module: one relation, lifted once for each subset (CTRGCN_lightV2).

    conv1 makes query, key and the features of every subset in one 1x1 convolution; conv2 holds
    the lifting convolutions.
    """

    def __init__(self, in_channels: int, out_channels: int, num_subset: int) -> None:
        super().__init__()
        relations = relation_channels(in_channels)
        self.sections = [relations, relations] + [out_channels] * num_subset
        self.conv1 = Conv2D(in_channels, sum(self.sections), 1)
        self.conv2 = nn.LayerList([Conv2D(relations, out_channels, 1) for _ in range(num_subset)])

    def forward(self, x: paddle.Tensor, subsets: paddle.Tensor, alpha: paddle.Tensor) -> paddle.Tensor:
        """x (B, C, T, V), subsets (S, V, V) -> (B, C', T, V)."""
        if operations.is_plain(self):
            query, key, *features = paddle.split(self.conv1(x), self.sections, axis=1)
            relation = paddle.tanh(query.mean(2).unsqueeze(-1) - key.mean(2).unsqueeze(-2))
            parts = [
                operations.aggregate(operations.refine(lift(relation), subsets[i], alpha), features[i])
                for i, lift in enumerate(self.conv2)
            ]
        else:
            relation, features = self._relation_and_features(x)
            parts = [
                operations.aggregate_by_matmul(
                    operations.refine_in_convolution(relation, lift, subsets[i], alpha), features[i]
                )
                for i, lift in enumerate(self.conv2)
            ]
        return sum(parts[1:], parts[0])

    def _relation_and_features(self, x: paddle.Tensor) -> tuple[paddle.Tensor, list[paddle.Tensor]]:
        """The relation and every subset's features, with conv1's share in the relation behind the mean over time."""
        sections = [2 * self.sections[0], sum(self.sections[2:])]
        weights = paddle.split(self.conv1.weight, sections)
        biases = paddle.split(self.conv1.bias.reshape([-1, 1, 1]), sections)
        query, key = paddle.split(self.conv1.convolve(operations.mean_by_sum(x), weights[0]) + biases[0], 2, axis=1)
        features = self.conv1.convolve(x, weights[1]) + biases[1]
        return operations.relate_expanded(query, key), paddle.split(features, self.sections[2:], axis=1)


class SpatialUnit(nn.Layer):
    """Spatial modelling: CTR-GC over the graph's subsets, BN, residual (paper, section 3.4).

    Args:
        adjacency: (S, V, V). Learned as ``PA`` if adaptive, else kept as the constant ``A``.
        bias: whether a convolution followed by BN has a bias.
    """

    def __init__(
        self, in_channels: int, out_channels: int, adjacency: np.ndarray, graph_conv: type, adaptive: bool, bias: bool
    ) -> None:
        super().__init__()
        subsets = adjacency.astype("float32")
        if adaptive:
            self.PA = self.create_parameter(subsets.shape, default_initializer=nn.initializer.Assign(subsets))
        else:
            self.register_buffer("A", paddle.to_tensor(subsets))
        self.adaptive = adaptive
        self.alpha = self.create_parameter([1], default_initializer=nn.initializer.Constant(0.0))
        self.convs = graph_conv(in_channels, out_channels, len(subsets))
        self.down = (
            nn.Sequential(Conv2D(in_channels, out_channels, 1, bias_attr=_bias(bias)), nn.BatchNorm2D(out_channels))
            if in_channels != out_channels
            else None
        )
        self.bn = nn.BatchNorm2D(out_channels)

    def init_weights(self) -> None:
        init_spatial(self)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """(B, C, T, V) -> (B, C', T, V)."""
        y = self.bn(self.convs(x, self.PA if self.adaptive else self.A, self.alpha))
        return nn.functional.relu(y + (x if self.down is None else self.down(x)))


class TemporalConv(nn.Layer):
    """A convolution along time and its BN: (B, C, T, V) -> (B, C', T / stride, V)."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int, dilation: int, bias: bool
    ) -> None:
        super().__init__()
        self.conv = Conv2D(
            in_channels,
            out_channels,
            (kernel_size, 1),
            stride=(stride, 1),
            padding=(dilation * (kernel_size - 1) // 2, 0),
            dilation=(dilation, 1),
            bias_attr=_bias(bias),
        )
        self.bn = nn.BatchNorm2D(out_channels)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.bn(self.conv(x))


class _Temporal(nn.Layer):
    """What the plain and the merged form of multi-scale temporal modelling share: how they are initialised."""

    def init_weights(self) -> None:
        init_temporal(self)


class MultiScaleTemporal(_Temporal):
    """Multi-scale temporal modelling: two dilated branches, max pooling, 1x1 (paper, section 3.4)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, bias: bool) -> None:
        super().__init__()
        width = out_channels // BRANCHES

        def entry(stride: int = 1) -> list[nn.Layer]:
            return [
                Conv2D(in_channels, width, 1, stride=(stride, 1), bias_attr=_bias(bias)),
                nn.BatchNorm2D(width),
            ]

        dilated = [
            nn.Sequential(*entry(), nn.ReLU(), TemporalConv(width, width, KERNEL_SIZE, stride, dilation, bias))
            for dilation in DILATIONS
        ]
        pooled = nn.Sequential(*entry(), nn.ReLU(), _time_pool(stride), nn.BatchNorm2D(width))
        self.branches = nn.LayerList([*dilated, pooled, nn.Sequential(*entry(stride))])

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """(B, C, T, V) -> (B, C', T / stride, V)."""
        return paddle.concat([branch(x) for branch in self.branches], axis=1)


class RectifiedMultiScaleTemporal(nn.Sequential):
    """The same with a ReLU behind it, before the residual is added (CTRGCNRectified).

    Its keys begin with ``0.``, so that weights of the one do not go into the other unnoticed.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, bias: bool) -> None:
        super().__init__(MultiScaleTemporal(in_channels, out_channels, stride, bias), nn.ReLU())

    def init_weights(self) -> None:
        init_temporal(self)


class MergedMultiScaleTemporal(_Temporal):
    """The same branches behind one merged 1x1 convolution (CTRGCN_lightV2).

    The last branch takes the channels that a division by four leaves over.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, bias: bool) -> None:
        super().__init__()
        width = out_channels // BRANCHES
        self.merged = BRANCHES - 1
        rest = out_channels - self.merged * width
        self.conv_pw = nn.Sequential(
            Conv2D(in_channels, self.merged * width, 1, bias_attr=_bias(bias)),
            nn.BatchNorm2D(self.merged * width),
            nn.ReLU(),
        )
        self.branches = nn.LayerList(
            [TemporalConv(width, width, KERNEL_SIZE, stride, dilation, bias) for dilation in DILATIONS]
            + [
                nn.Sequential(_time_pool(stride), nn.BatchNorm2D(width)),
                nn.Sequential(
                    Conv2D(in_channels, rest, 1, stride=(stride, 1), bias_attr=_bias(bias)), nn.BatchNorm2D(rest)
                ),
            ]
        )

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """(B, C, T, V) -> (B, C', T / stride, V)."""
        inputs = [*paddle.split(self.conv_pw(x), self.merged, axis=1), x]
        return paddle.concat([branch(part) for branch, part in zip(self.branches, inputs)], axis=1)


class Block(nn.Layer):
    """Spatial modelling (where the stage has it), temporal modelling, residual."""

    def __init__(
        self,
        spatial: Optional[nn.Layer],
        temporal: nn.Layer,
        shortcut: Optional[nn.Layer],
        residual: bool,
    ) -> None:
        super().__init__()
        self.gcn1 = spatial
        self.tcn1 = temporal
        self.residual = shortcut
        self.has_residual = residual

    def init_weights(self) -> None:
        for unit in (self.gcn1, self.tcn1):
            if unit is not None:
                unit.init_weights()
        if self.residual is not None:
            init_convs(self.residual)
            nn.initializer.Constant(1.0)(self.residual.bn.weight)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """(B, C, T, V) -> (B, C', T / stride, V)."""
        y = self.tcn1(x if self.gcn1 is None else self.gcn1(x))
        if self.has_residual:
            y = y + (x if self.residual is None else self.residual(x))
        return nn.functional.relu(y)


def _time_pool(stride: int) -> nn.MaxPool2D:
    return nn.MaxPool2D(kernel_size=(3, 1), stride=(stride, 1), padding=(1, 0))


def _bias(wanted: bool) -> Optional[bool]:
    return None if wanted else False


def init_convs(unit: nn.Layer) -> None:
    """Kaiming normal over the fan out, biases zero, as the original CTR-GCN does."""
    for layer in unit.sublayers():
        if isinstance(layer, nn.Conv2D):
            out_channels, _, height, width = layer.weight.shape
            nn.initializer.Normal(0.0, math.sqrt(2 / (out_channels * height * width)))(layer.weight)
        if isinstance(layer, (nn.Conv2D, nn.BatchNorm2D)) and layer.bias is not None:
            nn.initializer.Constant(0.0)(layer.bias)


def init_spatial(unit: nn.Layer) -> None:
    """A spatial unit, whose last BN is its ``bn``, as the original CTR-GCN initialises it."""
    init_convs(unit)
    for layer in unit.sublayers():
        if isinstance(layer, nn.BatchNorm2D):
            nn.initializer.Constant(1.0)(layer.weight)
    # the unit starts as its residual; the graph convolution grows into it
    nn.initializer.Constant(1e-6)(unit.bn.weight)


def init_temporal(unit: nn.Layer) -> None:
    """A multi-scale temporal unit, as the original CTR-GCN initialises it."""
    init_convs(unit)
    for layer in unit.sublayers():
        if isinstance(layer, nn.BatchNorm2D):
            nn.initializer.Normal(1.0, 0.02)(layer.weight)
