"""Every registered backbone, by being registered: what it takes, what it gives, how it starts, that it learns."""

from __future__ import annotations

import math

import numpy as np
import paddle
import pytest
from paddle import nn

from ctrgcn_plugin import layouts
from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.models.backbones import (
    BACKBONES,
    CTRGCN,
    CTRGCN_light,
    CTRGCN_lightV2,
    CTRGCNLite,
    CTRGCNRectified,
)
from ctrgcn_plugin.models.heads import CTRGCNMixupHead
from ctrgcn_plugin.models.network import Network

ALL = (CTRGCN, *BACKBONES)
every_backbone = pytest.mark.parametrize("backbone", ALL, ids=lambda cls: cls.__name__)


@pytest.fixture(autouse=True)
def _seed():
    paddle.seed(0)
    np.random.seed(0)


def _clips(*shape: int) -> paddle.Tensor:
    return paddle.to_tensor(np.random.default_rng(0).standard_normal(shape).astype("float32"))


@every_backbone
@pytest.mark.parametrize(
    "options, shape",
    [
        ({}, (2, 3, 16, 25, 2)),
        ({"adaptive": False}, (2, 3, 16, 25, 2)),
        ({"in_channels": 2}, (2, 2, 16, 25, 2)),
        ({"in_channels": 6, "num_person": 1}, (1, 6, 16, 25, 1)),
        ({"num_person": 3}, (2, 3, 13, 25, 3)),
        ({"base_channel": 20}, (1, 3, 8, 25, 2)),
    ],
    ids=str,
)
def test_forward_and_backward(backbone, options, shape):
    net = backbone(**{"base_channel": 8, **options})
    width = net.base_channel
    features, clips, persons = net(_clips(*shape))
    frames = math.ceil(math.ceil(shape[2] / 2) / 2)
    assert features.shape == [shape[0] * shape[4], 4 * width, frames, 25]
    assert (clips, persons) == (shape[0], shape[4])
    _check_gradients(net, features)


# one of each graph convolution, the only unit that a layout goes into
@pytest.mark.parametrize("backbone", [CTRGCN_light, CTRGCN_lightV2], ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("graph", layouts.available())
def test_every_layout(backbone, graph):
    """Its adjacency is what learning starts from, and num_point need not be given; 2-D of one person, 3-D of two."""
    layout = layouts.get(graph)
    coordinates, persons = layout.dimensions, layout.dimensions - 1
    net = backbone(graph=graph, in_channels=coordinates, num_person=persons, base_channel=8)
    assert net.clip_shape == (coordinates, layout.num_joints, persons)
    np.testing.assert_array_equal(net.l1.gcn1.PA.numpy(), layout.adjacency().astype("float32"))
    features, _, _ = net(_clips(1, coordinates, 8, layout.num_joints, persons))
    assert features.shape == [persons, 32, 2, layout.num_joints]
    _check_gradients(net, features)


def _check_gradients(net: nn.Layer, features: paddle.Tensor) -> None:
    (features**2).mean().backward()
    # BN's statistics are parameters that do not learn
    for name, parameter in ((n, p) for n, p in net.named_parameters() if not p.stop_gradient):
        assert parameter.grad is not None and np.isfinite(parameter.grad.numpy()).all(), name


def test_a_layout_of_the_users_own(tmp_path):
    (tmp_path / "arm.yaml").write_text("joints: {shoulder: null, elbow: shoulder, wrist: elbow}")
    net = CTRGCN_lightV2(graph=str(tmp_path / "arm.yaml"), num_point=3, num_person=1, base_channel=8)
    assert net(_clips(1, 3, 8, 3, 1))[0].shape == [1, 32, 2, 3]
    with pytest.raises(ConfigError, match=r"num_point is 25, but graph 'arm' has 3 joints"):
        CTRGCN_lightV2(graph=str(tmp_path / "arm.yaml"), num_point=25)


@every_backbone
def test_a_fixed_topology_is_not_trained_and_is_saved(backbone):
    net = backbone(base_channel=8, adaptive=False)
    assert not [name for name, _ in net.named_parameters() if name.endswith((".A", ".PA"))]
    assert "l1.gcn1.A" in net.state_dict()
    adaptive = backbone(base_channel=8)
    assert (adaptive.state_dict()["l1.gcn1.PA"] == net.state_dict()["l1.gcn1.A"]).all()


@every_backbone
def test_one_optimiser_step_lowers_the_loss(backbone):
    net = Network(backbone(base_channel=8), CTRGCNMixupHead(in_channels=8, num_classes=4))
    x, y = _clips(8, 3, 16, 25, 2), paddle.arange(8).unsqueeze(-1) % 4
    optimizer = paddle.optimizer.Momentum(0.05, parameters=net.parameters())
    losses = []
    for _ in range(2):
        loss = net.head.loss(net(x), (y,))["loss"]
        losses.append(float(loss))
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
    assert losses[1] < losses[0]


@every_backbone
def test_initialisation_is_the_originals(backbone):
    net = backbone(base_channel=32)
    for name, layer in net.named_sublayers():
        if isinstance(layer, nn.Conv2D):
            fan_out = layer.weight.shape[0] * math.prod(layer.weight.shape[2:])
            std = float(layer.weight.std())
            # the spread of a sample's standard deviation: s / sqrt(2 n)
            count = math.prod(layer.weight.shape)
            assert std == pytest.approx(math.sqrt(2 / fan_out), rel=5 / math.sqrt(2 * count)), name
            assert layer.bias is None or not layer.bias.any(), name
        elif isinstance(layer, nn.BatchNorm2D):
            gamma = layer.weight.numpy()
            if name.endswith("gcn1.bn"):
                np.testing.assert_allclose(gamma, 1e-6)
            elif ".tcn1." in name:
                assert gamma.std() > 0 and np.abs(gamma - 1).max() < 0.1, name
            else:
                np.testing.assert_array_equal(gamma, 1)
    for name, parameter in net.named_parameters():
        if name.endswith("alpha"):
            assert parameter.item() == 0


def test_upstreams_initialisation_is_there_on_request():
    net = CTRGCN(base_channel=8, init="upstream")
    np.testing.assert_array_equal(net.l1.gcn1.bn.weight.numpy(), 1)


def test_stage_tables():
    assert len(CTRGCNLite.stages) == 9 and CTRGCNLite.stages == CTRGCN.stages[:9]
    spatial = [number for number, stage in enumerate(CTRGCN_light.stages, start=1) if stage.spatial]
    assert spatial == [1, 4, 6, 7, 9, 10]
    net = CTRGCN_lightV2(base_channel=62)
    assert net.l5.gcn1.bn.weight.shape == [62] and net.l8.gcn1.bn.weight.shape == [124]


def test_light_v2_takes_an_odd_base_channel():
    features, _, _ = CTRGCN_lightV2(base_channel=13)(_clips(1, 3, 8, 25, 2))
    assert features.shape[1] == 52


@pytest.mark.parametrize("backbone", [CTRGCN, CTRGCNLite, CTRGCNRectified, CTRGCN_light], ids=lambda cls: cls.__name__)
def test_the_others_say_which_widths_they_take(backbone):
    with pytest.raises(ConfigError, match=r"multiple of 4.*got 13; take 12 or 16"):
        backbone(base_channel=13)


@every_backbone
@pytest.mark.parametrize(
    "options, message",
    [
        ({"num_point": 20}, r"num_point is 20, but graph 'ntu_rgb_d' has 25 joints"),
        ({"graph": "ntu_rgbd"}, r"unknown graph 'ntu_rgbd'; available: body_25, .* Did you mean 'ntu_rgb_d'\?"),
        ({"graph_args": {"labeling_mode": "spatail"}}, r"labeling_mode 'spatail'; available: spatial"),
        ({"num_person": 0}, r"num_person must be at least 1, got 0"),
        ({"in_channels": 0}, r"in_channels must be at least 1, got 0"),
        ({"base_channel": 4}, r"base_channel must be at least 8, got 4"),
        ({"init": "xavier"}, r"unknown init 'xavier'; available: ctrgcn, upstream"),
    ],
    ids=str,
)
def test_what_cannot_work_is_said_at_construction(backbone, options, message):
    with pytest.raises(ConfigError, match=message):
        backbone(**options)


def test_clips_of_another_skeleton_are_refused():
    with pytest.raises(ConfigError, match=r"\(3, 25, 2\), the data has \(3, 20, 1\)"):
        CTRGCN_light(base_channel=8)(_clips(1, 3, 8, 20, 1))
