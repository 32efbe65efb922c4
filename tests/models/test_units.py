"""The units against the paper's equations written out, and the fast forms against the plain ones."""

from __future__ import annotations

import numpy as np
import paddle
import pytest
from paddle import nn

from ctrgcn_plugin.models import units

B, C, T, V = 3, 16, 8, 25


@pytest.fixture(autouse=True)
def _seed():
    paddle.seed(1)


def _random(*shape: int) -> paddle.Tensor:
    x = paddle.randn(shape)
    x.stop_gradient = False
    return x


def _gradients(output: paddle.Tensor, *inputs: paddle.Tensor) -> list[np.ndarray]:
    weights = paddle.to_tensor(np.random.default_rng(0).standard_normal(output.shape).astype("float32"))
    return [gradient.numpy() for gradient in paddle.grad((output * weights).sum(), inputs)]


def _plain_ctrgc(conv1, conv2, conv3, conv4, x, subset, alpha):
    """Equations 1 to 4 of the paper, convolutions before the mean, sums element by element."""
    query, key = conv1(x).mean(2), conv2(x).mean(2)
    relation = conv4(paddle.tanh(query.unsqueeze(-1) - key.unsqueeze(-2)))
    topology = alpha * relation + subset
    return (conv3(x).unsqueeze(-2) * topology.unsqueeze(2)).sum(-1)


def test_subset_ctrgc_is_the_papers():
    unit, x, subsets, alpha = units.SubsetCTRGC(C, 12, 3), _random(B, C, T, V), _random(3, V, V), _random(1)
    want = sum(_plain_ctrgc(gc.conv1, gc.conv2, gc.conv3, gc.conv4, x, subsets[i], alpha) for i, gc in enumerate(unit))
    np.testing.assert_allclose(unit(x, subsets, alpha).numpy(), want.numpy(), rtol=0, atol=2e-4)


def test_merged_ctrgc_lifts_one_relation_three_times():
    unit, x, subsets, alpha = units.MergedCTRGC(C, 12, 3), _random(B, C, T, V), _random(3, V, V), _random(1)

    def section(begin, width):
        conv = nn.Conv2D(C, width, 1)
        conv.weight.set_value(unit.conv1.weight[begin : begin + width])
        conv.bias.set_value(unit.conv1.bias[begin : begin + width])
        return conv

    r = units.relation_channels(C)
    want = sum(
        _plain_ctrgc(section(0, r), section(r, r), section(2 * r + 12 * i, 12), lift, x, subsets[i], alpha)
        for i, lift in enumerate(unit.conv2)
    )
    np.testing.assert_allclose(unit(x, subsets, alpha).numpy(), want.numpy(), rtol=0, atol=2e-4)


@pytest.mark.parametrize("unit", [units.SubsetCTRGC, units.MergedCTRGC])
def test_training_and_inference_aggregate_alike(unit):
    layer, x, subsets, alpha = unit(C, 12, 3), _random(B, C, T, V), _random(3, V, V), _random(1)
    layer.train()
    trained = layer(x, subsets, alpha)
    layer.eval()
    np.testing.assert_allclose(trained.numpy(), layer(x, subsets, alpha).numpy(), rtol=0, atol=1e-4)


def test_aggregations_have_equal_values_and_gradients():
    topology, features = _random(B, C, V, V), _random(B, C, T, V)
    plain = (features.unsqueeze(-2) * topology.unsqueeze(2)).sum(-1)
    for form in (units.aggregate, units.aggregate_in_training):
        result = form(topology, features)
        np.testing.assert_allclose(result.numpy(), plain.numpy(), rtol=0, atol=1e-4)
        for got, want in zip(_gradients(result, topology, features), _gradients(plain, topology, features)):
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-4)


@pytest.mark.parametrize("stride, dilation", [(1, 1), (2, 1), (1, 2), (2, 2)])
def test_fast_bias_is_paddles_convolution(stride, dilation):
    options = {"stride": (stride, 1), "padding": (2 * dilation, 0), "dilation": (dilation, 1)}
    fast, plain = units.Conv2D(C, 12, (5, 1), **options), nn.Conv2D(C, 12, (5, 1), **options)
    fast.bias.set_value(paddle.randn([12]))
    plain.set_state_dict(fast.state_dict())
    fast.train()
    x = _random(B, C, T, V)
    np.testing.assert_allclose(fast(x).numpy(), plain(x).numpy(), rtol=0, atol=1e-5)
    got = _gradients(fast(x), x, fast.weight, fast.bias)
    want = _gradients(plain(x), x, plain.weight, plain.bias)
    for ours, theirs in zip(got, want):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-3)
    fast.eval()
    np.testing.assert_array_equal(fast(x).numpy(), plain(x).numpy())


@pytest.mark.parametrize("unit", [units.MultiScaleTemporal, units.MergedMultiScaleTemporal])
@pytest.mark.parametrize("out_channels", [16, 20])
@pytest.mark.parametrize("stride", [1, 2])
def test_temporal_shapes(unit, out_channels, stride):
    layer = unit(C, out_channels, stride, False)
    assert layer(_random(B, C, T, V)).shape == [B, out_channels, T // stride, V]


def test_merged_temporal_is_the_plain_one_with_its_entries_side_by_side():
    plain, merged = (unit(C, 16, 1, False) for unit in (units.MultiScaleTemporal, units.MergedMultiScaleTemporal))
    state, target = plain.state_dict(), merged.state_dict()
    values = {}
    for leaf in ("0.weight", "1.weight", "1.bias", "1._mean", "1._variance"):
        values[f"conv_pw.{leaf}"] = paddle.concat([state[f"branches.{i}.{leaf}"] for i in range(3)])
        values[f"branches.3.{leaf}"] = state[f"branches.3.{leaf}"]
    for i in range(2):
        for key in (k for k in state if k.startswith(f"branches.{i}.3.")):
            values[key.replace(".3.", ".", 1)] = state[key]
    for leaf in ("weight", "bias", "_mean", "_variance"):
        values[f"branches.2.1.{leaf}"] = state[f"branches.2.4.{leaf}"]
    assert values.keys() == target.keys()
    merged.set_state_dict(values)
    x = _random(B, C, T, V)
    for mode in ("train", "eval"):
        getattr(plain, mode)(), getattr(merged, mode)()
        np.testing.assert_allclose(plain(x).numpy(), merged(x).numpy(), rtol=0, atol=1e-5)
