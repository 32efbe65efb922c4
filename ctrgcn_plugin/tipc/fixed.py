"""Weights that are the same on every machine, for chains that need some and train none."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np


def fixed_value(key: str, shape: Sequence[int]) -> np.ndarray:
    """The value of one parameter, by its name: the same on every machine, so that results can be kept.

    Of a size that keeps activations near 1 through the network, as trained ones do. RandomState's stream is frozen
    for ever (NEP 19); that of NumPy's newer generators is not.
    """
    stream = np.random.RandomState(zlib.crc32(key.encode()))
    leaf = key.rsplit(".", 1)[-1]
    if leaf == "_variance":
        value = stream.uniform(0.8, 1.6, shape)
    elif leaf in ("alpha", "PA"):
        value = stream.uniform(0, 0.5 if leaf == "alpha" else 0.05, shape)
    elif leaf in ("_mean", "bias"):
        value = 0.1 * stream.standard_normal(shape)
    elif len(shape) == 1:
        value = stream.uniform(0.3, 0.7, shape)
    else:
        value = stream.standard_normal(shape) / np.sqrt(np.prod(shape[1:]) if len(shape) == 4 else shape[0])
    return value.astype(np.float32)
