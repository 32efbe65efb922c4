"""The units against the paper's equations written out, and the fast forms against the plain ones."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import numpy as np
import paddle
import pytest
from paddle import nn

from ctrgcn_plugin.models import operations, units
from ctrgcn_plugin.models.backbones import BACKBONES, CTRGCN, SkeletonBackbone

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


def _plain_subsets(self, x, subsets, alpha):
    """SubsetCTRGC.forward of the paper, by Paddle's own convolutions."""
    convs = [[functools.partial(nn.Conv2D.forward, conv) for conv in gc.children()] for gc in self]
    return sum(_plain_ctrgc(*conv, x, subsets[i], alpha) for i, conv in enumerate(convs))


def _plain_merged(self, x, subsets, alpha):
    """MergedCTRGC.forward, one convolution for each of its sections."""
    begins = np.cumsum([0, *self.sections])
    query, key, *features = (
        functools.partial(nn.functional.conv2d, weight=self.conv1.weight[a:b], bias=self.conv1.bias[a:b])
        for a, b in zip(begins[:-1], begins[1:])
    )
    lifts = [functools.partial(nn.Conv2D.forward, conv) for conv in self.conv2]
    return sum(_plain_ctrgc(query, key, features[i], lift, x, subsets[i], alpha) for i, lift in enumerate(lifts))


@pytest.fixture
def plain_forms(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """To be called: has the units compute as their authors' do."""

    def apply() -> None:
        monkeypatch.setattr(units.SubsetCTRGC, "forward", _plain_subsets)
        monkeypatch.setattr(units.MergedCTRGC, "forward", _plain_merged)
        monkeypatch.setattr(operations.Conv2D, "forward", nn.Conv2D.forward)

    return apply


@pytest.fixture
def double() -> Iterator[None]:
    """Double precision, in which a rewrite that is exact differs by rounding only."""
    paddle.set_default_dtype("float64")
    yield
    paddle.set_default_dtype("float32")


def _training_pass(net: nn.Layer, inputs: list[paddle.Tensor]) -> dict[str, np.ndarray]:
    """What a training pass leaves: the loss, the gradient of every input and parameter, BN's statistics."""
    net.train()
    net.clear_gradients()
    y = net(*inputs)
    y = y[0] if isinstance(y, tuple) else y
    weights = paddle.to_tensor(np.random.default_rng(0).standard_normal(y.shape))
    loss = (y * weights).sum()
    # BN's statistics are parameters that do not learn
    learned = {name: parameter for name, parameter in net.named_parameters() if not parameter.stop_gradient}
    learned.update({f"input {i}": x for i, x in enumerate(inputs) if not x.stop_gradient})
    gradients = paddle.grad(loss, list(learned.values()))
    statistics = {key: value for key, value in net.state_dict().items() if key.endswith(("_mean", "_variance"))}
    return {
        "loss": loss.numpy(),
        **{f"gradient of {name}": gradient.numpy() for name, gradient in zip(learned, gradients)},
        **{key: value.numpy().copy() for key, value in statistics.items()},
    }


def _assert_equal(got: dict[str, np.ndarray], want: dict[str, np.ndarray]) -> None:
    assert got.keys() == want.keys()
    whole = np.sqrt(sum((value**2).sum() for key, value in want.items() if key.startswith("gradient")))
    for key, value in want.items():
        # the gradient of a bias before BN is zero, and what is computed for it rounding
        allowed = 1e-10 * max(np.linalg.norm(value), 1e-3 * whole if key.startswith("gradient") else 0)
        assert np.linalg.norm(got[key] - value) <= allowed, key


def _spread(net: SkeletonBackbone) -> SkeletonBackbone:
    """With weights that hide nothing: alpha and biases start as 0, the last gamma of a spatial unit as 1e-6."""
    rng = np.random.default_rng(2)
    for key, value in net.state_dict().items():
        if key.endswith(("alpha", "bias")) or (key.endswith("weight") and len(value.shape) == 1):
            value.set_value(rng.uniform(0.3, 0.7, value.shape))
    return net


@pytest.mark.parametrize("unit", [units.SubsetCTRGC, units.MergedCTRGC])
@pytest.mark.parametrize("in_channels", [3, C])
def test_ctrgc_trains_as_the_papers(unit, in_channels, plain_forms, double):
    layer, inputs = unit(in_channels, 12, 3), [_random(B, in_channels, T, V), _random(3, V, V), _random(1)]
    for name, parameter in layer.named_parameters():
        if name.endswith("bias"):
            parameter.set_value(paddle.randn(parameter.shape))
    fast = _training_pass(layer, inputs)
    assert all(np.abs(value).max() > 1e-3 for value in fast.values())
    plain_forms()
    _assert_equal(fast, _training_pass(layer, inputs))


@pytest.mark.parametrize("backbone", [CTRGCN, *BACKBONES], ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("adaptive", [True, False])
def test_a_backbone_trains_as_its_plain_form(backbone: type[SkeletonBackbone], adaptive, plain_forms, double):
    net = _spread(backbone(base_channel=8, adaptive=adaptive))
    state = {key: value.numpy().copy() for key, value in net.state_dict().items()}
    clips = [paddle.randn([4, 3, 8, 25, 2])]
    fast = _training_pass(net, clips)
    net.set_state_dict(state)
    plain_forms()
    _assert_equal(fast, _training_pass(net, clips))


def _answer(net: nn.Layer, clip: paddle.Tensor) -> np.ndarray:
    net.eval()
    with paddle.no_grad():
        return net(clip)[0].numpy()  # and how many clips and persons


@pytest.mark.parametrize("backbone", [CTRGCN, *BACKBONES], ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("adaptive", [True, False])
def test_a_backbone_evaluates_as_its_plain_forms(backbone: type[SkeletonBackbone], adaptive, plain_forms, double):
    """The fast form, the form that is exported, and the authors'."""
    net, clip = _spread(backbone(base_channel=8, adaptive=adaptive)), paddle.randn([4, 3, 8, 25, 2])
    fast = _answer(net, clip)
    with operations.plainly():
        exported = _answer(net, clip)
    plain_forms()
    authors = _answer(net, clip)
    for got in (fast, exported):
        assert 0 < np.abs(got - authors).max() < 1e-10 * np.abs(authors).max()


def test_layers_are_seen_only_in_the_plain_form():
    unit, inputs = units.SubsetCTRGC(C, 12, 3), [_random(B, C, T, V), _random(3, V, V), _random(1)]
    seen: list[nn.Layer] = []
    unit[0].conv4.register_forward_post_hook(lambda layer, *_: seen.append(layer))
    unit.eval()
    unit(*inputs)
    assert not seen
    with operations.plainly():
        unit(*inputs)
    assert len(seen) == 1
    assert not operations.is_plain(unit), "what was asked for is over"


def test_aggregations_have_equal_values_and_gradients():
    topology, features = _random(B, C, V, V), _random(B, C, T, V)
    plain = (features.unsqueeze(-2) * topology.unsqueeze(2)).sum(-1)
    for form in (operations.aggregate, operations.aggregate_by_matmul):
        result = form(topology, features)
        np.testing.assert_allclose(result.numpy(), plain.numpy(), rtol=0, atol=1e-4)
        for got, want in zip(_gradients(result, topology, features), _gradients(plain, topology, features)):
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-4)


@pytest.mark.parametrize("stride, dilation", [(1, 1), (2, 1), (1, 2), (2, 2)])
def test_fast_bias_is_paddles_convolution(stride, dilation):
    options = {"stride": (stride, 1), "padding": (2 * dilation, 0), "dilation": (dilation, 1)}
    fast, plain = operations.Conv2D(C, 12, (5, 1), **options), nn.Conv2D(C, 12, (5, 1), **options)
    fast.bias.set_value(paddle.randn([12]))
    plain.set_state_dict(fast.state_dict())
    fast.train()
    x = _random(B, C, T, V)
    np.testing.assert_allclose(fast(x).numpy(), plain(x).numpy(), rtol=0, atol=1e-5)
    got = _gradients(fast(x), x, fast.weight, fast.bias)
    want = _gradients(plain(x), x, plain.weight, plain.bias)
    for ours, theirs in zip(got, want):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-3)
    with operations.plainly():
        np.testing.assert_array_equal(fast(x).numpy(), plain(x).numpy())


@pytest.mark.parametrize(
    "unit", [units.MultiScaleTemporal, units.RectifiedMultiScaleTemporal, units.MergedMultiScaleTemporal]
)
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
