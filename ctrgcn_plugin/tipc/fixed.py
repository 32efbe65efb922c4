"""Weights that are the same on every machine but for rounding, for chains that need some and train none."""

from __future__ import annotations

import math
import warnings
import zlib
from collections.abc import Sequence

import numpy as np
import paddle
from paddle import nn

from ctrgcn_plugin.data import synthetic
from ctrgcn_plugin.data.sample import centre_crop_resample
from ctrgcn_plugin.models.network import Network

FRAMES = 64
DISTANCE = 3.0  # metres
# how much the scores are spread: the likeliest of sixty classes gets a probability that can be told from the others'
SPREAD = 3.0


def fill(network: Network) -> None:
    """Give a network its fixed weights, and the statistics of a few procedural clips to its normalisations.

    With statistics of its own, activations stay near 1 through the network, as in a trained one.
    """
    for key, parameter in network.state_dict().items():
        parameter.set_value(_value(key, parameter.shape))
    norms = [layer for layer in network.sublayers() if isinstance(layer, (nn.BatchNorm1D, nn.BatchNorm2D))]
    for norm in norms:
        # by default a tenth of what is measured is mixed in
        norm._momentum = 0.0
    network.train()
    with paddle.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Paddle says of every normalisation that it does what is wanted here
        network(paddle.to_tensor(_clips(network.backbone.clip_shape)))
    network.eval()


def _clips(clip_shape: tuple[int, int, int]) -> np.ndarray:
    """(N, C, T, V, M): one procedural clip of every action, at the distance of a camera."""
    clips = np.stack([synthetic.make_clip(action, subject=0) for action in synthetic.ACTIONS])
    if (clips.shape[1], *clips.shape[3:]) != tuple(clip_shape):
        shape = (len(clips), clip_shape[0], FRAMES, *clip_shape[1:])
        return np.random.RandomState(0).standard_normal(shape).astype(np.float32)
    clips[:, 2] += DISTANCE * clips.any(axis=1)
    return np.stack([centre_crop_resample(clip, FRAMES, 1.0) for clip in clips])


def _value(key: str, shape: Sequence[int]) -> np.ndarray:
    """The value of one parameter, by its name.

    RandomState's stream is frozen for ever (NEP 19); that of NumPy's newer generators is not.
    """
    stream = np.random.RandomState(zlib.crc32(key.encode()))
    leaf = key.rsplit(".", 1)[-1]
    if leaf in ("alpha", "PA"):
        value = stream.uniform(0.3, 0.7, shape) if leaf == "alpha" else stream.uniform(0, 0.1, shape)
    elif leaf in ("bias", "_mean"):
        value = 0.1 * stream.standard_normal(shape)
    elif len(shape) == 1:
        value = stream.uniform(0.8, 1.2, shape)
    elif len(shape) == 2:
        value = stream.standard_normal(shape) * SPREAD / math.sqrt(shape[0])
    else:
        value = stream.standard_normal(shape) / math.sqrt(math.prod(shape[1:]))
    return value.astype(np.float32)
