"""Topologies against the paper's equations step by step; importance on networks that cannot see some of the joints."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.modality import Modality
from ctrgcn_plugin.deploy.trained import Trained
from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.models import topology
from ctrgcn_plugin.models.network import BACKBONES, build_network
from ctrgcn_plugin.models.topology import METHODS, joint_importance, topologies
from ctrgcn_plugin.models.units import MergedCTRGC

FRAMES, WIDTH, CLASSES = 8, 8, 5
LAYOUT = layouts.get("coco")
V = LAYOUT.num_joints

# both forms of graph convolution, one of them with blocks that have none
both_forms = pytest.mark.parametrize("backbone", ["CTRGCN_light", "CTRGCN_lightV2"])


@functools.cache
def trained(backbone: str = "CTRGCN_lightV2", *, stream: str = "joint", **options: Any) -> Trained:
    """A network in which every value is random, so that each matters."""
    section = {
        "backbone": {"name": backbone, "base_channel": WIDTH, "graph": "coco", "num_person": 3, **options},
        "head": {"name": "CTRGCNHead", "in_channels": WIDTH, "num_classes": CLASSES},
    }
    network = build_network(section)
    rng = np.random.default_rng(0)
    for key, value in network.state_dict().items():
        leaf, shape = key.rpartition(".")[2], value.shape
        if leaf in ("PA", "A"):
            drawn = value.numpy() + rng.normal(0, 0.1, shape)
        elif key == "head.fc.weight":
            drawn = rng.normal(0, 3, shape)
        elif len(shape) == 4:
            drawn = rng.normal(0, 0.5 / np.sqrt(np.prod(shape[1:])), shape)
        elif leaf in ("weight", "alpha", "_variance"):
            drawn = rng.uniform(0.5, 1.0, shape)
        else:
            drawn = rng.normal(0, 0.1, shape)
        value.set_value(drawn.astype("float32"))
    network.eval()
    return Trained(network, FRAMES, 1.0, Modality.named(stream, LAYOUT.parents))


def a_clip(seed: int = 0) -> np.ndarray:
    """(3, T, V, 3) of as many frames as the network takes; the second person is not there."""
    clip = np.random.default_rng(seed).normal(size=(3, FRAMES, V, 3)).astype("float32")
    clip[..., 1] = 0
    return clip


def _pointwise(weight: Any, bias: Any, x: np.ndarray) -> np.ndarray:
    """A 1x1 convolution of (C, T, V)."""
    weight, bias = np.asarray(weight, dtype=float)[:, :, 0, 0], np.asarray(bias, dtype=float)
    return np.tensordot(weight, x, 1) + bias[:, None, None]


def _plain_refined(unit: Any, x: np.ndarray) -> np.ndarray:
    """Equations 1 to 3 of the paper, of one person (C, T, V): (S, C', V, V)."""
    shared = np.asarray(unit.PA if unit.adaptive else unit.A, dtype=float)
    refined = []
    for subset, adjacency in enumerate(shared):
        if isinstance(unit.convs, MergedCTRGC):
            width = unit.convs.sections[0]
            convs, lift = unit.convs.conv1, unit.convs.conv2[subset]
            query, key = (
                _pointwise(convs.weight[a : a + width], convs.bias[a : a + width], x).mean(1) for a in (0, width)
            )
        else:
            gc = unit.convs[subset]
            query, key = (_pointwise(conv.weight, conv.bias, x).mean(1) for conv in (gc.conv1, gc.conv2))
            lift = gc.conv4
        relation = np.empty((len(query), V, V))
        for u in range(V):
            for v in range(V):
                relation[:, u, v] = np.tanh(query[:, u] - key[:, v])
        refined.append(adjacency + float(unit.alpha.numpy()[0]) * _pointwise(lift.weight, lift.bias, relation))
    return np.stack(refined)


@pytest.mark.parametrize(
    "backbone, adaptive", [*((name, True) for name in BACKBONES), ("CTRGCN_light", False), ("CTRGCN_lightV2", False)]
)
def test_topologies_are_the_papers(backbone, adaptive):
    model, clip = trained(backbone, adaptive=adaptive), a_clip()
    network = model.network.backbone
    blocks = [getattr(network, name) for name in network.block_names]
    inputs: dict[str, np.ndarray] = {}
    hooks = [
        block.register_forward_pre_hook(lambda _, x, name=name: inputs.update({name: x[0].numpy().astype(float)}))
        for name, block in zip(network.block_names, blocks)
    ]
    model.scores(clip[None])
    for hook in hooks:
        hook.remove()

    found = topologies(model, clip)
    assert [one.block for one in found] == [
        name for name, block in zip(network.block_names, blocks) if block.gcn1 is not None
    ]
    for one in found:
        unit = getattr(network, one.block).gcn1
        np.testing.assert_allclose(one.shared, np.asarray(unit.PA if adaptive else unit.A), rtol=1e-6)
        # of the first and the third person, who are there
        plain = np.mean([_plain_refined(unit, inputs[one.block][person]) for person in (0, 2)], axis=0)
        scale = np.abs(plain).max()
        np.testing.assert_allclose(one.refined / scale, plain / scale, rtol=0, atol=1e-4)


def _scale(bn: Any) -> np.ndarray:
    return bn.weight.numpy() / np.sqrt(bn._variance.numpy() + bn._epsilon)


def _shift(bn: Any) -> np.ndarray:
    return bn.bias.numpy() - bn._mean.numpy() * _scale(bn)


@both_forms
def test_what_joints_give_adds_up_to_what_a_unit_computes(backbone):
    model = trained(backbone)
    run = topology._Run(model.network, a_clip())
    for name in model.network.backbone.block_names:
        block = getattr(model.network.backbone, name)
        flow = run.flow(block)
        assert flow.shape == (3, V, V) and (flow >= 0).all()
        np.testing.assert_allclose(flow.sum(-1), 1)
        if block.gcn1 is None:
            np.testing.assert_allclose(flow, np.broadcast_to(np.eye(V), flow.shape), atol=1e-12)
            continue
        unit = block.gcn1
        shift = _shift(unit.bn)
        if unit.down is not None:
            conv, bn = unit.down
            bias = 0 if conv.bias is None else conv.bias.numpy() * _scale(bn)
            shift = shift + _shift(bn) + bias
        total = np.maximum(run.messages(unit).sum(-1) + shift[:, None, None], 0)
        expected = run.output(unit)
        np.testing.assert_allclose(total / expected.max(), expected / expected.max(), rtol=0, atol=1e-4)


def blind(backbone: str, seen: list[int]) -> Trained:
    """A network whose first block takes the features of some joints only; nothing before it mixes joints."""
    model = trained.__wrapped__(backbone)
    unit = model.network.backbone.l1.gcn1
    subsets = unit.PA.numpy()
    subsets[..., np.setdiff1d(np.arange(V), seen)] = 0
    unit.PA.set_value(subsets)
    unit.alpha.set_value(np.zeros(1, "float32"))
    down = unit.down[1]
    down.weight.set_value(np.zeros(down.weight.shape, "float32"))
    return model


@both_forms
def test_only_joints_that_the_network_sees_matter(backbone):
    seen = [3, 9, 10]
    model, clip = blind(backbone, seen), a_clip()
    unseen = np.setdiff1d(np.arange(V), seen)
    other = clip.copy()
    other[:, :, unseen] = a_clip(1)[:, :, unseen]
    np.testing.assert_allclose(model.scores(clip[None]), model.scores(other[None]), rtol=1e-4, atol=1e-4)

    for by in METHODS:
        importance = joint_importance(model, clip, by)
        assert importance.shape == (V,)
        assert importance.max() == 1
        np.testing.assert_array_equal(importance[unseen], 0)
    assert (joint_importance(model, clip)[seen] > 0).all()


@pytest.mark.parametrize("stream", ["joint", "bone_motion"])
def test_occlusion_is_one_joint_after_the_other(stream):
    """Frame by frame, with the odds as p / (1 - p)."""
    model, clip = trained(stream=stream), a_clip()
    clip[:, 5:, :, 2] = 0  # who is not there does not come back

    def probability(clip, label=None):
        scores = model.scores(model.modality(clip)[None])[0].astype(float)
        powers = np.exp(scores - scores.max())
        label = int(scores.argmax()) if label is None else label
        return label, powers[label] / powers.sum()

    label, before = probability(clip)
    joints = range(0, V, 4)
    expected = np.empty(len(joints))
    for number, joint in enumerate(joints):
        held = clip.copy()
        for person, frames in ((0, range(FRAMES)), (2, range(5))):
            centre = {t: clip[:, t, :, person].astype(float).mean(1) for t in frames}
            place = np.mean([clip[:, t, joint, person] - centre[t] for t in frames], axis=0)
            for t in frames:
                held[:, t, joint, person] = centre[t] + place
        _, after = probability(held, label)
        expected[number] = np.log(before / (1 - before)) - np.log(after / (1 - after))
    found = topology.by_occlusion(model, clip)
    np.testing.assert_allclose(found[::4], expected, rtol=0, atol=1e-3 * np.abs(expected).max())
    np.testing.assert_allclose(joint_importance(model, clip, "occlusion"), np.maximum(found, 0) / found.max())


def test_in_a_body_that_moves_as_a_whole_no_joint_matters_by_occlusion():
    pose, path = a_clip()[:, :1], np.linspace(0, 3, FRAMES, dtype="float32")[None, :, None, None]
    clip = (pose + path) * (pose != 0)
    np.testing.assert_array_equal(joint_importance(trained(), clip, "occlusion"), 0)


@pytest.mark.parametrize("by", METHODS)
def test_a_clip_without_anybody(by):
    importance = joint_importance(trained(), np.zeros((3, FRAMES, V, 3), "float32"), by)
    assert ((importance >= 0) & (importance <= 1)).all()


def test_nothing_stays_on_the_network():
    model = trained()
    joint_importance(model, a_clip())
    assert not any(layer._forward_post_hooks for layer in model.network.sublayers(include_self=True))


def test_a_measure_that_does_not_exist():
    with pytest.raises(ConfigError, match="'occlusions'; available: occlusion, topology. Did you mean 'occlusion'"):
        joint_importance(trained(), a_clip(), "occlusions")
