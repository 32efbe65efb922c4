"""The fused network against the layers: every fold by itself, every block, and the whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import paddle
import pytest

from ctrgcn_plugin.deploy import engines, gate
from ctrgcn_plugin.deploy.fused import folding, graph
from ctrgcn_plugin.deploy.fused.paddle_ops import Bias, PaddleOps
from ctrgcn_plugin.models.network import BACKBONES, Network, build_network

WINDOW = 12
ROUNDING = 1e-5


def random_network(backbone: str, *, seed: int = 0, negative: bool = False, width: int = 8, **options: Any) -> Network:
    """A network in which every value matters; BN scales of both signs where `negative`."""
    paddle.seed(seed)
    section = {
        "backbone": {"name": backbone, "base_channel": width, **options},
        "head": {"name": "CTRGCNHead", "in_channels": width, "num_classes": 7},
    }
    network = build_network(section)
    rng = np.random.default_rng(seed)
    for key, value in network.state_dict().items():
        leaf = key.rpartition(".")[2]
        if leaf == "_variance":
            drawn = rng.uniform(0.5, 2.0, value.shape)
        elif leaf in ("alpha", "weight") and len(value.shape) == 1:
            drawn = rng.uniform(0.3, 0.6, value.shape) * (rng.choice([-1, 1], value.shape) if negative else 1)
        elif leaf in ("_mean", "bias"):
            drawn = rng.normal(0, 0.1, value.shape)
        else:
            continue
        value.set_value(drawn.astype("float32"))
    network.eval()
    return network


def eager(layer: Callable[..., Any], *given: np.ndarray) -> np.ndarray:
    with paddle.no_grad():
        return layer(*map(paddle.to_tensor, given)).numpy()


def difference(fused: paddle.Tensor, expected: np.ndarray) -> float:
    return gate.relative_error(fused.numpy(), expected)


@pytest.mark.parametrize("bias", Bias)
@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_block(backbone: str, negative: bool, bias: Bias) -> None:
    network = random_network(backbone, negative=negative)
    rng = np.random.default_rng(1)
    channels, frames = 3, WINDOW
    for name in network.backbone.block_names:
        block = getattr(network.backbone, name)
        x = rng.standard_normal((3, channels, frames, 25)).astype("float32")
        expected = eager(block, x)
        folded = folding.fold_block(block)
        fused = graph.block(PaddleOps(bias), folded, paddle.to_tensor(x.transpose(0, 1, 3, 2)), 25, frames)
        assert difference(fused.transpose([0, 1, 3, 2]), expected) < ROUNDING, name
        # the pooled branch's scale goes into the entry only where that is exact
        assert (folded.temporal.pool_scale is None) == (not negative or _all_positive(block))
        channels, frames = expected.shape[1], expected.shape[2]


def _all_positive(block: Any) -> bool:
    unit = block.tcn1[0] if isinstance(block.tcn1, paddle.nn.Sequential) else block.tcn1
    pooled = unit.branches[2]
    return bool((pooled[len(pooled) - 1].weight.numpy() > 0).all())


@pytest.mark.parametrize("backbone", ["CTRGCN", "CTRGCNRectified", "CTRGCN_lightV2"])
def test_spatial_and_temporal_units(backbone: str) -> None:
    network = random_network(backbone)
    block = network.backbone.l5  # widens and strides
    x = np.random.default_rng(2).standard_normal((2, 8, WINDOW, 25)).astype("float32")
    turned = paddle.to_tensor(x.transpose(0, 1, 3, 2))
    spatial = graph.spatial(PaddleOps(), folding.fold_spatial(block.gcn1), turned, 25, WINDOW)
    inner = eager(block.gcn1, x)
    assert difference(spatial.transpose([0, 1, 3, 2]), inner) < ROUNDING
    temporal, shortcut = graph.temporal(PaddleOps(), folding.fold_temporal(block.tcn1), spatial, None)
    assert shortcut is None
    assert difference(temporal.transpose([0, 1, 3, 2]), eager(block.tcn1, inner)) < ROUNDING


@pytest.mark.parametrize(
    ("backbone", "options"),
    [
        *((name, {}) for name in BACKBONES),
        ("CTRGCN_light", {"adaptive": False}),
        ("CTRGCN_lightV2", {"num_person": 1}),
        ("CTRGCNLite", {"num_person": 3}),
        ("CTRGCN_lightV2", {"in_channels": 2, "width": 10}),
    ],
)
@pytest.mark.parametrize("frames", [WINDOW, 13])
def test_whole_networks(backbone: str, options: dict[str, Any], frames: int) -> None:
    network = random_network(backbone, **options)
    channels, joints, persons = network.backbone.clip_shape
    x = np.random.default_rng(3).standard_normal((2, channels, frames, joints, persons)).astype("float32")
    folded = folding.fold(network, frames)
    for there in range(1, persons + 1):
        x[..., there:] = 0
        expected = eager(network, x)
        for given in range(there, persons + 1):
            fused = graph.forward(PaddleOps(), folded, paddle.to_tensor(x[..., :given]), frames)
            assert difference(fused, expected) < ROUNDING
        x = np.random.default_rng(4).standard_normal(x.shape).astype("float32")


def test_an_absent_person_is_not_the_mean_of_the_others() -> None:
    network = random_network("CTRGCN_lightV2")
    x = np.random.default_rng(5).standard_normal((1, 3, WINDOW, 25, 2)).astype("float32")
    alone = x.copy()
    alone[..., 1] = 0
    folded = folding.fold(network, WINDOW)
    both, one = (graph.forward(PaddleOps(), folded, paddle.to_tensor(clip), WINDOW) for clip in (x, x[..., :1]))
    assert difference(one, eager(network, alone)) < ROUNDING
    assert difference(one, both.numpy()) > 0.01


@pytest.mark.skipif(engines.missing(engines.ONNXRUNTIME) is not None, reason="no onnxruntime")
@pytest.mark.parametrize("backbone", BACKBONES)
def test_onnx_computes_what_paddle_computes(backbone: str) -> None:
    import onnxruntime

    from ctrgcn_plugin.deploy.fused import onnx_ops

    network = random_network(backbone, negative=True)
    folded = folding.fold(network, WINDOW)
    ops = onnx_ops.OnnxOps()
    model = ops.model(graph.forward(ops, folded, onnx_ops.INPUT, WINDOW), (3, WINDOW, 25, 2), 7)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(6).standard_normal((3, 3, WINDOW, 25, 2)).astype("float32")
    for persons in (2, 1):
        given = np.ascontiguousarray(x[..., :persons])
        (scores,) = session.run(None, {onnx_ops.INPUT: given})
        fused = graph.forward(PaddleOps(), folded, paddle.to_tensor(given), WINDOW)
        assert difference(fused, scores) < ROUNDING
    # every constant is stored once
    stored = [tensor.SerializeToString().replace(tensor.name.encode(), b"") for tensor in model.graph.initializer]
    assert len(stored) == len(set(stored))


def test_folding_rounds_nothing() -> None:
    folded = folding.fold(random_network("CTRGCN"), WINDOW)
    arrays = [folded.scale, folded.blocks[0].spatial.lift, folded.blocks[0].temporal.entry.weight]  # type: ignore[union-attr]
    assert {array.dtype for array in arrays} == {np.dtype("float64")}
