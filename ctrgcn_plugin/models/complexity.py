"""What a network costs: the multiply-accumulates of one clip, and its parameters, part by part.

A multiply-accumulate (MAC) is one product that is added up, what most papers on skeletons call a FLOP; it is two
floating-point operations. Counted are

- convolutions and linear layers, without their biases,
- the channel-wise aggregation (paper, equation 4), V products for each value of each subset,
- the refinement (equation 3), one for each value of a refined topology,
- batch normalisation, one for each value.

Not counted is what multiplies nothing: sums, means, pooling, ReLU and tanh. Counters that look at layers alone, as
``paddle.flops``, miss aggregation and refinement.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import paddle
from paddle import nn

from ctrgcn_plugin.models.network import Network
from ctrgcn_plugin.models.operations import plainly
from ctrgcn_plugin.models.units import MergedCTRGC, SubsetCTRGC

Count = Callable[[nn.Layer, Sequence[paddle.Tensor], paddle.Tensor], int]


def macs(network: Network, frames: int) -> int:
    """MACs of a forward pass of one clip (C, frames, V, M), of all M persons, whether they are there or not."""
    return sum(macs_by_part(network, frames).values())


def macs_by_part(network: Network, frames: int) -> dict[str, int]:
    """The same for each part: ``data_bn``, the blocks by their names, ``head``.

    They are counted while a clip of zeros goes through the network, in evaluation mode.
    """
    channels, joints, persons = network.backbone.clip_shape
    parts = _parts(network)
    counted = dict.fromkeys(parts, 0)
    hooks = [
        layer.register_forward_post_hook(_counting(count, counted, name))
        for name, part in parts.items()
        for layer in part.sublayers(include_self=True)
        for kind, count in COUNTS.items()
        if isinstance(layer, kind)
    ]
    training = network.training
    network.eval()
    try:
        with plainly(), paddle.no_grad():
            network(paddle.zeros([1, channels, frames, joints, persons]))
    finally:
        for hook in hooks:
            hook.remove()
        if training:
            network.train()
    return counted


def parameters(network: Network) -> dict[str, int]:
    """How many values are trained, by part; not the statistics of the normalisations, which Paddle lists as well."""
    return {
        name: sum(math.prod(values.shape) for values in part.parameters() if not values.stop_gradient)
        for name, part in _parts(network).items()
    }


def _parts(network: Network) -> dict[str, nn.Layer]:
    backbone = network.backbone
    return {
        **{name: getattr(backbone, name) for name in ("data_bn", *backbone.block_names)},
        "head": network.head,
    }


def _counting(count: Count, counted: dict[str, int], part: str) -> Callable[..., None]:
    def hook(layer: nn.Layer, inputs: Sequence[paddle.Tensor], output: paddle.Tensor) -> None:
        counted[part] += count(layer, inputs, output)

    return hook


def _convolution(layer: nn.Layer, inputs: Sequence[paddle.Tensor], output: paddle.Tensor) -> int:
    return math.prod(output.shape) * math.prod(layer.weight.shape[1:])


def _linear(layer: nn.Layer, inputs: Sequence[paddle.Tensor], output: paddle.Tensor) -> int:
    return math.prod(output.shape) * layer.weight.shape[0]


def _normalisation(layer: nn.Layer, inputs: Sequence[paddle.Tensor], output: paddle.Tensor) -> int:
    return math.prod(output.shape)


def _graph_convolution(layer: nn.Layer, inputs: Sequence[paddle.Tensor], output: paddle.Tensor) -> int:
    """What it does besides its convolutions: refinement (S, B, C', V, V), and its product with (S, B, C', T, V)."""
    _, adjacency, _ = inputs
    subsets, joints, _ = adjacency.shape
    batch, channels, frames, _ = output.shape
    return subsets * batch * channels * joints * joints * (1 + frames)


COUNTS: dict[type[nn.Layer], Count] = {
    nn.Conv2D: _convolution,
    nn.Linear: _linear,
    nn.BatchNorm1D: _normalisation,
    nn.BatchNorm2D: _normalisation,
    SubsetCTRGC: _graph_convolution,
    MergedCTRGC: _graph_convolution,
}
