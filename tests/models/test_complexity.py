"""Costs against sums by hand, against the fused graph, and against what is published."""

from __future__ import annotations

import functools
import math

import paddle
import pytest

from ctrgcn_plugin.deploy.fused import folding, graph
from ctrgcn_plugin.deploy.fused.paddle_ops import PaddleOps
from ctrgcn_plugin.models import complexity
from ctrgcn_plugin.models.network import BACKBONES, Network, build_network

# base_channel of the published configs
WIDTHS = {"CTRGCN": 64, "CTRGCNLite": 64, "CTRGCN_light": 60, "CTRGCN_lightV2": 62}
V, S = 17, 3


@functools.cache
def network(backbone: str, width: int, classes: int = 60, **options) -> Network:
    head = {"name": "CTRGCNHead", "in_channels": width, "num_classes": classes}
    return build_network({"backbone": {"name": backbone, "base_channel": width, **options}, "head": head})


def _spatial(before: int, after: int, relation: int, frames: int) -> int:
    """Of CTRGCN's spatial unit, without its residual: every term of equations 1 to 4, and BN."""
    query_and_key = 2 * before * relation * V
    lift, refinement = relation * after * V * V, after * V * V
    features, aggregation = before * after * frames * V, after * frames * V * V
    return S * (query_and_key + lift + refinement + features + aggregation) + after * frames * V


def _temporal(width: int, frames: int, stride: int) -> int:
    """Of its temporal unit: three branches behind a 1x1 convolution with BN, and one that is a strided one."""
    part, later = width // 4, frames // stride
    entries = 3 * (width + 1) * part * frames * V
    dilated, pooled = 2 * (5 * part + 1) * part * later * V, part * later * V
    return entries + dilated + pooled + (width + 1) * part * later * V


def test_every_product_of_a_small_network():
    small = network("CTRGCN", 16, 7, graph="coco", num_person=1)
    counted = complexity.macs_by_part(small, 8)
    assert list(counted) == ["data_bn", *small.backbone.block_names, "head"]
    assert counted["data_bn"] == 3 * 8 * V
    # where the widths differ, a residual is a 1x1 convolution with BN
    assert counted["l1"] == _spatial(3, 16, 8, 8) + (3 + 1) * 16 * 8 * V + _temporal(16, 8, 1)
    assert counted["l2"] == counted["l4"] == _spatial(16, 16, 2, 8) + _temporal(16, 8, 1)
    residuals = (16 + 1) * 32 * (8 + 4) * V
    assert counted["l5"] == _spatial(16, 32, 2, 8) + _temporal(32, 8, 2) + residuals
    assert counted["head"] == 64 * 7
    assert complexity.macs(small, 8) == sum(counted.values())


def test_parameters_of_a_small_network():
    small = network("CTRGCN", 16, 7, graph="coco", num_person=1)
    counted = complexity.parameters(small)
    assert counted["data_bn"] == 2 * 3 * V
    assert counted["head"] == 64 * 7 + 7
    spatial = S * (2 * (16 * 2 + 2) + 2 * 16 + 16 + 16 * 16 + 16) + S * V * V + 1 + 2 * 16
    temporal = 3 * (16 * 4 + 4 + 8) + 2 * (4 * 4 * 5 + 4 + 8) + 8 + (16 * 4 + 4 + 8)
    assert counted["l2"] == spatial + temporal


class _Counting(PaddleOps):
    """The fused graph's products, each counted where it is computed."""

    products = 0

    def conv(self, x, weight, bias, **options):
        y = super().conv(x, weight, bias, **options)
        self.products += math.prod(y.shape) * math.prod(weight.shape[1:])
        return y

    def matmul(self, a, b):
        y = super().matmul(a, b)
        self.products += math.prod(y.shape) * a.shape[-1]
        return y


@pytest.mark.parametrize("backbone", ["CTRGCN_light", "CTRGCN_lightV2"])
def test_the_fused_graph_costs_nearly_the_same(backbone):
    """It has no normalisation and no refinement, but one channel of the relation more for each subset it serves."""
    net = network(backbone, 32)
    net.eval()
    ops = _Counting()
    with paddle.no_grad():
        graph.forward(ops, folding.fold(net, 16), paddle.zeros([1, 3, 16, 25, 2]), 16)
    assert ops.products == pytest.approx(complexity.macs(net, 16), rel=0.05)


@pytest.mark.parametrize(
    "backbone, millions, parameters",
    [
        ("CTRGCN", 1782, 1_446_672),
        ("CTRGCNLite", 1490, 1_064_444),
        ("CTRGCN_light", 1061, 1_024_110),
        ("CTRGCN_lightV2", 1432, 1_117_782),
    ],
)
def test_the_published_models(backbone, millions, parameters):
    """Of 64 frames, 25 joints, two persons, 60 classes.

    For CTRGCN 1.97 G are published: they take the mean over time behind the convolutions of query and key.
    """
    net = network(backbone, WIDTHS[backbone])
    counted = complexity.macs(net, 64)
    assert round(counted / 1e6) == millions
    assert sum(complexity.parameters(net).values()) == parameters
    if backbone == "CTRGCN":
        assert counted + sum(_query_and_key_over_time(net, 64)) == pytest.approx(1.97e9, rel=0.01)


def _query_and_key_over_time(net: Network, frames: int):
    """What the mean over time saves where it comes first."""
    for name in net.backbone.block_names:
        block = getattr(net.backbone, name)
        for conv in block.gcn1.convs:
            yield 2 * math.prod(conv.conv1.weight.shape) * (frames - 1) * 25 * 2
        frames //= block.tcn1.branches[3][0]._stride[0]


def test_a_network_is_left_as_it_was():
    net = network("CTRGCN_lightV2", 8)
    net.train()
    before = {key: value.numpy() for key, value in net.state_dict().items()}
    in_training = complexity.macs(net, 8)
    assert all(layer.training for layer in net.sublayers(include_self=True))
    assert not any(layer._forward_post_hooks for layer in net.sublayers(include_self=True))
    assert all((value.numpy() == before[key]).all() for key, value in net.state_dict().items())
    net.eval()
    assert complexity.macs(net, 8) == in_training
    assert not net.training


def test_longer_clips_and_more_persons_cost_more_in_proportion():
    one, two = (complexity.macs_by_part(network("CTRGCN_lightV2", 8, num_person=m), 32) for m in (1, 2))
    assert all(two[part] == 2 * one[part] for part in one if part != "head")
    assert two["head"] == one["head"]


def test_every_kind_of_layer_with_weights_is_counted():
    """A layer that a new model brings would be missed without a word."""
    kinds = tuple(complexity.COUNTS)
    for backbone in BACKBONES:
        for layer in network(backbone, 32).sublayers():
            leaf = not layer.sublayers() and layer.parameters()
            assert not leaf or isinstance(layer, kinds), type(layer)
