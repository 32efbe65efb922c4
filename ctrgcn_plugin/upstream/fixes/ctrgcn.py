"""``paddlevideo.modeling.backbones.ctrgcn``: upstream's CTRGCN on a CPU, how it starts, and on any skeleton."""

from __future__ import annotations

import functools
from types import ModuleType, SimpleNamespace
from typing import Any, Optional

from ctrgcn_plugin import layouts
from ctrgcn_plugin.upstream.fixes.code import mentions, with_line
from ctrgcn_plugin.upstream.fixes.fix import FALSIFIES, LACKS, STOPS, Fix
from ctrgcn_plugin.upstream.fixes.proxy import Proxy, replaced


def _aggregates_by_matmul(module: ModuleType) -> bool:
    return mentions(module.einsum, "matmul")


def _aggregate_by_einsum(module: ModuleType) -> None:
    from ctrgcn_plugin.models.operations import aggregate

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


def _knows_one_layout(module: ModuleType) -> bool:
    return all(mentions(module.CTRGCN.__init__, word) for word in (layouts.DEFAULT, "ValueError"))


def _take_any_layout(module: ModuleType) -> None:
    backbone = module.CTRGCN
    original = with_line(
        backbone.__init__, "raise ValueError()", "self.graph = ctrgcn_graph(graph, **graph_args)", ctrgcn_graph=_graph
    )

    @functools.wraps(original)
    def init(
        self: Any,
        num_point: Optional[int] = None,
        num_person: int = 2,
        base_channel: int = 64,
        graph: str = layouts.DEFAULT,
        graph_args: Optional[dict[str, Any]] = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        joints = layouts.get(graph).agreed_joints(num_point, backbone.__name__)
        original(self, joints, num_person, base_channel, graph, graph_args or {}, *args, **kwargs)

    backbone.__init__ = init


def _graph(graph: str, **graph_args: Any) -> SimpleNamespace:
    return SimpleNamespace(A=layouts.get(graph).adjacency(**graph_args))


def _relates_by_no_channel(module: ModuleType) -> bool:
    widths = []
    with replaced(module, nn=Proxy(module.nn, Conv2D=lambda in_channels, width, **_: widths.append(width))):
        module.CTRGC(2, 8)
    return 0 in widths


def _relate_by_eight(module: ModuleType) -> None:
    unit = module.CTRGC
    unit.__init__ = with_line(
        unit.__init__, "in_channels == 3 or in_channels == 9", "in_channels in (3, 9) or in_channels < rel_reduction"
    )


def _trains_at_full_cost(module: ModuleType) -> bool:
    import paddle

    # on a GPU nobody has compared them
    return not paddle.is_compiled_with_cuda() and mentions(module.CTRGC.forward, "unsqueeze")


def _train_at_less(module: ModuleType) -> None:
    from ctrgcn_plugin.models import operations

    unit = module.CTRGC
    original = unit.forward

    # no functools.wraps: Paddle would make the wrapped one static
    def forward(self: Any, x: Any, A: Any = None, alpha: Any = 1) -> Any:  # noqa: N803, upstream's name
        if A is None or operations.is_plain(self):
            return original(self, x, A, alpha)
        pooled = operations.mean_by_sum(x)
        relation = operations.relate_expanded(self.conv1(pooled), self.conv2(pooled))
        topology = operations.refine_in_convolution(relation, self.conv4, A, alpha)
        return operations.aggregate_by_matmul(topology, self.conv3(x))

    unit.forward = forward
    module.nn = Proxy(module.nn, Conv2D=operations.Conv2D)  # type: ignore[attr-defined]


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
    Fix(
        "any-layout",
        "paddlevideo.modeling.backbones.ctrgcn",
        "modeling/backbones/ctrgcn.py:436",
        "ValueError without a word for any graph but ntu_rgb_d",
        STOPS,
        _knows_one_layout,
        _take_any_layout,
    ),
    Fix(
        "two-coordinates",
        "paddlevideo.modeling.backbones.ctrgcn",
        "modeling/backbones/ctrgcn.py:59",
        "in_channels: 2 makes a convolution without channels: the size of filter at axis 0 should be greater than 0",
        STOPS,
        _relates_by_no_channel,
        _relate_by_eight,
    ),
    # last: the others look at what it replaces
    Fix(
        "ctrgcn-training-cost",
        "paddlevideo.modeling.backbones.ctrgcn",
        "modeling/backbones/ctrgcn.py:85",
        "on a CPU a step of CTRGCN takes 1.7 times as long as the same gradients need, an evaluation 2.7 times",
        LACKS,
        _trains_at_full_cost,
        _train_at_less,
    ),
)
