"""CTR-GCN and its lightweight forms as stage tables over shared units.

CTRGCN: Chen et al., ICCV 2021 (arXiv 2107.12213), section 3.4 and figure 3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Optional

import paddle
from paddle import nn

from ctrgcn_plugin import layouts
from ctrgcn_plugin.errors import ConfigError, unknown
from ctrgcn_plugin.models.units import (
    BRANCHES,
    RELATION_REDUCTION,
    Block,
    MergedCTRGC,
    MergedMultiScaleTemporal,
    MultiScaleTemporal,
    RectifiedMultiScaleTemporal,
    SpatialUnit,
    SubsetCTRGC,
    TemporalConv,
)

INITIALISATIONS = ("ctrgcn", "upstream")


@dataclass(frozen=True)
class Stage:
    """One block: its output width in units of base_channel, its stride in time, spatial modelling or not."""

    width: int
    stride: int = 1
    spatial: bool = True


CTRGCN_STAGES = tuple(
    Stage(width, stride)
    for width, stride in ((1, 1), (1, 1), (1, 1), (1, 1), (2, 2), (2, 1), (2, 1), (4, 2), (4, 1), (4, 1))
)


def _spatial_only_in(*blocks: int) -> tuple[Stage, ...]:
    return tuple(replace(stage, spatial=number in blocks) for number, stage in enumerate(CTRGCN_STAGES, start=1))


class SkeletonBackbone(nn.Layer):
    """A chain of blocks over a skeleton graph; a subclass is a table.

    Args:
        num_point: joints V, those of `graph`, which says it where this is left out.
        num_person: persons M in a clip.
        base_channel: width of the first stage.
        graph: name of a skeleton layout, or path of a layout file.
        graph_args: ``labeling_mode`` of the layout's adjacency.
        in_channels: coordinates C of a joint.
        adaptive: learn the shared topology, or keep the layout's.
        init: ``ctrgcn`` for the original's initialisation, ``upstream`` for Paddle's defaults,
            which stock PaddleVideo's CTRGCN starts from.
    """

    stages: ClassVar[tuple[Stage, ...]] = CTRGCN_STAGES
    graph_conv: ClassVar[type] = SubsetCTRGC
    temporal: ClassVar[type] = MultiScaleTemporal
    bias_before_bn: ClassVar[bool] = False
    # a strided stage's spatial unit keeps its input's width and leaves widening to the temporal unit
    widen_in_time: ClassVar[bool] = False

    def __init__(
        self,
        num_point: Optional[int] = None,
        num_person: int = 2,
        base_channel: int = 64,
        graph: str = layouts.DEFAULT,
        graph_args: Optional[dict[str, Any]] = None,
        in_channels: int = 3,
        adaptive: bool = True,
        init: str = "ctrgcn",
    ) -> None:
        super().__init__()
        layout = layouts.get(graph)
        joints = layout.agreed_joints(num_point, type(self).__name__)
        self._check(num_person, base_channel, in_channels, init)
        self.layout = layout
        self.clip_shape = (in_channels, joints, num_person)
        self.base_channel = base_channel
        self.init = init
        self.data_bn = nn.BatchNorm1D(num_person * in_channels * joints)
        self.block_names = [f"l{number}" for number in range(1, len(self.stages) + 1)]
        adjacency = layout.adjacency(**(graph_args or {}))
        width = in_channels
        for name, stage in zip(self.block_names, self.stages):
            out_channels = stage.width * base_channel
            self.add_sublayer(name, self._block(width, out_channels, stage, adjacency, adaptive, name != "l1"))
            width = out_channels
        self.out_channels = width
        self.init_weights()

    def _check(self, num_person: int, base_channel: int, in_channels: int, init: str) -> None:
        name = type(self).__name__
        for key, value in (("num_person", num_person), ("in_channels", in_channels)):
            if value < 1:
                raise ConfigError(f"{name}: {key} must be at least 1, got {value}")
        if base_channel < RELATION_REDUCTION:
            raise ConfigError(f"{name}: base_channel must be at least {RELATION_REDUCTION}, got {base_channel}")
        if self.temporal is not MergedMultiScaleTemporal and base_channel % BRANCHES:
            below = base_channel - base_channel % BRANCHES
            raise ConfigError(
                f"{name}: base_channel must be a multiple of {BRANCHES}, the number of temporal branches, "
                f"got {base_channel}; take {max(below, RELATION_REDUCTION)} or {below + BRANCHES}, "
                "or CTRGCN_lightV2, which takes any"
            )
        if init not in INITIALISATIONS:
            raise unknown("init", init, INITIALISATIONS)

    def _block(
        self, in_channels: int, out_channels: int, stage: Stage, adjacency: Any, adaptive: bool, residual: bool
    ) -> Block:
        spatial, width = None, in_channels
        if stage.spatial:
            width = in_channels if self.widen_in_time and stage.stride > 1 else out_channels
            spatial = SpatialUnit(in_channels, width, adjacency, self.graph_conv, adaptive, self.bias_before_bn)
        temporal = self.temporal(width, out_channels, stage.stride, self.bias_before_bn)
        shortcut = None
        if residual and (in_channels != out_channels or stage.stride > 1):
            shortcut = TemporalConv(in_channels, out_channels, 1, stage.stride, 1, self.bias_before_bn)
        return Block(spatial, temporal, shortcut, residual)

    def init_weights(self) -> None:
        """Initialise as the original CTR-GCN does, unless `init` asks for Paddle's defaults."""
        if self.init == "upstream":
            return
        nn.initializer.Constant(1.0)(self.data_bn.weight)
        nn.initializer.Constant(0.0)(self.data_bn.bias)
        for name in self.block_names:
            getattr(self, name).init_weights()

    def forward(self, x: paddle.Tensor) -> tuple[paddle.Tensor, int, int]:
        """Clips (N, C, T, V, M) -> features (N * M, C', T / 4, V), N, M: what PaddleVideo's heads take."""
        clips, channels, frames, joints, persons = x.shape
        if (channels, joints, persons) != self.clip_shape:
            raise ConfigError(
                f"{type(self).__name__} was made for clips with (in_channels, num_point, num_person) = "
                f"{self.clip_shape}, the data has {(channels, joints, persons)}; make config and data agree"
            )
        x = x.transpose([0, 4, 3, 1, 2]).reshape([-1, persons * joints * channels, frames])
        x = self.data_bn(x).reshape([-1, joints, channels, frames]).transpose([0, 2, 3, 1])
        for name in self.block_names:
            x = getattr(self, name)(x)
        return x, clips, persons


class CTRGCN(SkeletonBackbone):
    """The original: ten blocks. In PaddleVideo the name belongs to upstream's own class."""

    bias_before_bn = True


class CTRGCNLite(CTRGCN):
    """CTRGCN without its tenth block."""

    stages = CTRGCN_STAGES[:9]


class CTRGCNRectified(CTRGCN):
    """CTRGCN as pyskl (3f6795f) and mmaction2 (4d6c934) have it: temporal units end in a ReLU."""

    temporal = RectifiedMultiScaleTemporal


class CTRGCN_light(SkeletonBackbone):
    """Spatial modelling in blocks 1, 4, 6, 7, 9 and 10 only; no bias before BN."""

    stages = _spatial_only_in(1, 4, 6, 7, 9, 10)


class CTRGCN_lightV2(SkeletonBackbone):
    """Merged temporal branches, merged CTR-GC subsets, strided stages widened by the temporal unit."""

    graph_conv = MergedCTRGC
    temporal = MergedMultiScaleTemporal
    widen_in_time = True


# what the plugin registers
BACKBONES = (CTRGCNLite, CTRGCNRectified, CTRGCN_light, CTRGCN_lightV2)
