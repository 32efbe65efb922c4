"""The graphs that a trained network has learned, and how much each joint matters to its answer.

CTR-GC refines a shared topology for every clip and channel (Chen et al. 2021, arXiv 2107.12213, equation 3). Entry
(u, v) of a topology weighs what joint u takes of joint v's features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import paddle
from paddle import nn

from ctrgcn_plugin.data.sample import centre_crop_resample
from ctrgcn_plugin.errors import unknown
from ctrgcn_plugin.models.network import Network
from ctrgcn_plugin.models.operations import plainly, refine
from ctrgcn_plugin.models.units import Block, MergedCTRGC, SpatialUnit

if TYPE_CHECKING:
    from ctrgcn_plugin.deploy.trained import Trained

# clips that go through the network at once
BATCH = 8
# of log odds: what rounding makes of scores in float32 that should be the same
NEGLIGIBLE = 1e-4


@dataclass(frozen=True)
class Topology:
    """The graph of one spatial block.

    Attributes:
        block: its name, as "l1".
        shared: (S, V, V), the same for every clip and channel.
        refined: (S, C', V, V), of a clip; the mean over the persons that are in it.
    """

    block: str
    shared: np.ndarray
    refined: np.ndarray


def topologies(trained: Trained, clip: np.ndarray) -> list[Topology]:
    """The topology of every block that has spatial modelling, in their order, as a clip makes it.

    Args:
        clip: (C, T, V, M) joints, as :func:`ctrgcn_plugin.data.clips.read` gives them.
    """
    x = trained.modality(_sampled(trained, clip))
    there = _persons_in(x)
    run = _Run(trained.network, x)
    return [
        Topology(block, _values(_shared(unit)), run.refined(unit)[:, there].mean(1))
        for block, unit in _spatial_units(trained.network)
    ]


def joint_importance(trained: Trained, clip: np.ndarray, by: str = "topology") -> np.ndarray:
    """How much each joint matters to the class that a network gives to a clip.

    Args:
        clip: (C, T, V, M) joints, as :func:`ctrgcn_plugin.data.clips.read` gives them.
        by: one of :data:`METHODS`.

    Returns:
        (V,) in [0, 1]: 1 for the joint that matters most, 0 for one that does not; all 0 where none does.
    """
    if by not in METHODS:
        raise unknown("measure of a joint's importance", by, METHODS)
    values = np.maximum(METHODS[by](trained, _sampled(trained, clip)), 0)
    largest = values.max()
    return values / largest if largest > 0 else np.zeros_like(values)


def by_topology(trained: Trained, clip: np.ndarray) -> np.ndarray:
    """By what flows from a joint, along the learned topology, into the score of the predicted class.

    The sums over a topology's columns alone say little, for a joint's own features also pass by it, in residuals, and
    weights of features that are nearly zero count for nothing. So the size of what is really added up is taken, as
    for attention by Kobayashi et al. (2020, arXiv 2004.10102), and followed through the blocks, as attention rollout
    does (Abnar and Zuidema 2020, arXiv 2005.00928):

    - What joint v gives to joint u in a spatial unit is m(u, v) = g * sum over s of A_s(u, v) * f_s(v), of C' channels
      and T frames, with A_s the refined topology and f_s the features of subset s, and g the scale of its
      normalisation; where u = v, the unit's residual is added. Shifts of normalisations are no joint's.
      F(u, v) = |m(u, v)| / sum over w of |m(u, w)|.
    - The temporal unit mixes no joints; a block's residual adds to it: with t(u) and r(u) the sizes of the two,
      F' = (t F + r I) / (t + r).
    - At the end joint u gives R(u) = max(0, the mean of its features over time . (w_k - the mean of all w)) to class k
      (class activation mapping, Zhou et al. 2016, arXiv 1512.04150). It goes back from block to block: R F'.

    Returns:
        (V,), the sum over the persons who are there.
    """
    x = trained.modality(clip)
    there = _persons_in(x)
    run = _Run(trained.network, x)
    backbone, classifier = trained.network.backbone, _values(trained.network.head.fc.weight)  # (C', K)
    blocks = [getattr(backbone, name) for name in backbone.block_names]
    direction = classifier[:, run.scores.argmax()] - classifier.mean(1)
    features = run.output(blocks[-1]).mean(2)  # (M, C', V)
    relevance = np.maximum(np.einsum("mcv,c->mv", features, direction), 0)[there]
    for block in reversed(blocks):
        relevance = np.einsum("mu,muv->mv", relevance, run.flow(block)[there])
    return relevance.sum(0)


def by_occlusion(trained: Trained, clip: np.ndarray) -> np.ndarray:
    """By how much the log odds of the predicted class fall when a joint no longer moves.

    The joint is held at the mean of its places in the body, in all frames and persons at once; the body is where the
    mean of its joints is. Log odds, because a probability near 1 hardly falls (weight of evidence, Robnik-Sikonja and
    Kononenko 2008; Zintgraf et al. 2017, arXiv 1702.04595).

    Returns:
        (V,), below 0 where the class becomes more likely; exactly 0 for less than :data:`NEGLIGIBLE`.
    """
    joints = clip.shape[2]
    still = _held_still(clip)
    clips = np.stack([clip] * (joints + 1))
    for joint in range(joints):
        clips[joint, :, :, joint] = still[:, :, joint]
    x = trained.modality(clips)
    scores = np.concatenate([trained.scores(x[i : i + BATCH]) for i in range(0, len(x), BATCH)]).astype(np.float64)
    odds = _log_odds(scores, int(scores[-1].argmax()))
    fall = odds[-1] - odds[:-1]
    return np.where(np.abs(fall) < NEGLIGIBLE, 0, fall)


METHODS: dict[str, Callable[[Trained, np.ndarray], np.ndarray]] = {
    "topology": by_topology,
    "occlusion": by_occlusion,
}


class _Run:
    """One clip through a network: the scores (K,), and what went into each layer and came out of it."""

    def __init__(self, network: Network, x: np.ndarray) -> None:
        self._seen: dict[nn.Layer, tuple[Sequence[Any], Any]] = {}
        hooks = [layer.register_forward_post_hook(self._note) for layer in network.backbone.sublayers()]
        try:
            with plainly(), paddle.no_grad():
                self.scores = _values(network(paddle.to_tensor(x[None])))[0]
        finally:
            for hook in hooks:
                hook.remove()

    def _note(self, layer: nn.Layer, inputs: Sequence[Any], output: Any) -> None:
        self._seen[layer] = inputs, output

    def input(self, layer: nn.Layer) -> np.ndarray:
        return _values(self._seen[layer][0][0])

    def output(self, layer: nn.Layer) -> np.ndarray:
        return _values(self._seen[layer][1])

    def refined(self, unit: SpatialUnit) -> np.ndarray:
        """(S, M, C', V, V)."""
        convs = unit.convs
        lifts = convs.conv2 if isinstance(convs, MergedCTRGC) else [conv.conv4 for conv in convs]
        parts = [refine(self._seen[lift][1], subset, unit.alpha) for lift, subset in zip(lifts, _shared(unit))]
        return np.stack([_values(part) for part in parts])

    def features(self, unit: SpatialUnit) -> np.ndarray:
        """(S, M, C', T, V)."""
        convs = unit.convs
        if isinstance(convs, MergedCTRGC):
            ends = np.cumsum(convs.sections)[:-1]
            return np.stack(np.split(self.output(convs.conv1), ends, axis=1)[2:])
        return np.stack([self.output(conv.conv3) for conv in convs])

    def messages(self, unit: SpatialUnit) -> np.ndarray:
        """m of :func:`by_topology`: (M, C', T, V, V).

        Their sum over the last axis is what the unit's ReLU gets, but for the shifts of its normalisations.
        """
        scale = _values(unit.bn.weight) / np.sqrt(_values(unit.bn._variance) + unit.bn._epsilon)
        messages = np.einsum("smcuv,smctv->mctuv", self.refined(unit), self.features(unit))
        messages *= scale[:, None, None, None]
        joints = np.arange(messages.shape[-1])
        messages[..., joints, joints] += self.input(unit) if unit.down is None else self._unshifted(unit.down)
        return messages

    def _unshifted(self, projection: nn.Layer) -> np.ndarray:
        """What came out of a 1x1 convolution and its normalisation, less what comes out of them for zeros."""
        channels = self.input(projection).shape[1]
        with paddle.no_grad():
            return self.output(projection) - _values(projection(paddle.zeros([1, channels, 1, 1])))

    def flow(self, block: Block) -> np.ndarray:
        """F' of :func:`by_topology`, where a stage without spatial modelling mixes no joints: (M, V, V)."""
        temporal = _size(self.output(block.tcn1))
        own = np.eye(temporal.shape[-1])
        flow = own if block.gcn1 is None else _shares(_size(self.messages(block.gcn1)))
        if not block.has_residual:
            return np.broadcast_to(flow, (len(temporal), *own.shape))
        past = _size(self.input(block) if block.residual is None else self.output(block.residual))
        share = _shares(np.stack([temporal, past], axis=-1))[..., None, :]  # (M, V, 1, 2)
        return share[..., 0] * flow + share[..., 1] * own


def _size(features: np.ndarray) -> np.ndarray:
    """The Euclidean norm over channels and frames: (M, C, T, ...) -> (M, ...)."""
    return np.sqrt((features**2).sum((1, 2)))


def _shares(sizes: np.ndarray) -> np.ndarray:
    """Of the sum over the last axis; nothing has no shares."""
    total = sizes.sum(-1, keepdims=True)
    return np.divide(sizes, total, out=np.zeros_like(sizes), where=total > 0)


def _sampled(trained: Trained, clip: np.ndarray) -> np.ndarray:
    return centre_crop_resample(clip, trained.window_size, trained.p)


def _persons_in(x: np.ndarray) -> np.ndarray:
    """Who of a clip (C, T, V, M) are there; the first person where nobody is."""
    there = np.flatnonzero(np.any(x, axis=(0, 1, 2)))
    return there if len(there) else np.array([0])


def _held_still(clip: np.ndarray) -> np.ndarray:
    """A clip (C, T, V, M) whose joints keep their mean places in the body, in the frames in which it is there."""
    there = np.any(clip, axis=(0, 2))[:, None]  # (T, 1, M)
    body = clip.mean(axis=2, keepdims=True)
    place = ((clip - body) * there).sum(axis=1, keepdims=True) / np.maximum(there.sum(axis=0), 1)
    return (body + place) * there


def _log_odds(scores: np.ndarray, label: int) -> np.ndarray:
    """Of a class against all others together, of scores (N, K): (N,)."""
    return scores[:, label] - np.logaddexp.reduce(np.delete(scores, label, axis=1), axis=1)


def _spatial_units(network: Network) -> list[tuple[str, SpatialUnit]]:
    """(block, unit) of those blocks that have one."""
    blocks = [(name, getattr(network.backbone, name)) for name in network.backbone.block_names]
    return [(name, block.gcn1) for name, block in blocks if block.gcn1 is not None]


def _shared(unit: SpatialUnit) -> paddle.Tensor:
    return unit.PA if unit.adaptive else unit.A


def _values(tensor: paddle.Tensor) -> np.ndarray:
    return tensor.numpy().astype(np.float64)
