"""Fused graphs as Paddle computes them: eagerly, or recorded into a static program."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import numpy as np
import paddle
from paddle.nn import functional


class Bias(Enum):
    """How a convolution's bias is added.

    Paddle's own CPU kernel for a broadcast sum takes thirty times as long as its batch normalisation, so that
    ``BATCH_NORM``, with mean 0, variance and scale 1, is the fast way there. Every other engine wants ``CONV``.
    """

    CONV = "conv"
    BATCH_NORM = "batch_norm"


class PaddleOps:
    """:class:`~ctrgcn_plugin.deploy.fused.ops.Ops` on Paddle's tensors or a static program's variables.

    Sums and products are operators, because ``paddle.add`` and its like can no longer record a ``.pdmodel``.

    Args:
        dtype: that constants are stored in; all arithmetic is float32.
    """

    def __init__(self, bias: Bias = Bias.CONV, dtype: str = "float32") -> None:
        self._bias = bias
        self._dtype = dtype
        self._stored: dict[tuple[tuple[int, ...], bytes], Any] = {}

    def constant(self, values: np.ndarray) -> Any:
        values = values.astype(self._dtype)
        key = (values.shape, values.tobytes())
        if key not in self._stored:
            self._stored[key] = paddle.create_parameter(
                list(values.shape), self._dtype, default_initializer=paddle.nn.initializer.Assign(values)
            )
        stored = self._stored[key]
        return stored if self._dtype == "float32" else stored.astype("float32")

    def zeros(self, *shape: int) -> Any:
        return paddle.zeros(list(shape), "float32")

    def conv(
        self, x: Any, weight: np.ndarray, bias: np.ndarray, *, stride: int = 1, dilation: int = 1, groups: int = 1
    ) -> Any:
        padding = dilation * (weight.shape[2] - 1) // 2
        in_conv = self.constant(bias) if self._bias is Bias.CONV else None
        y = functional.conv2d(
            x, self.constant(weight[:, :, None]), in_conv, [1, stride], [0, padding], [1, dilation], groups
        )
        return y if in_conv is not None else self.add_bias(y, bias)

    def max_pool(self, x: Any, stride: int) -> Any:
        return functional.max_pool2d(x, [1, 3], [1, stride], [0, 1])

    def matmul(self, a: Any, b: Any) -> Any:
        return paddle.matmul(a, b)

    def add(self, a: Any, b: Any) -> Any:
        return a + b

    def add_bias(self, x: Any, bias: np.ndarray) -> Any:
        if self._bias is Bias.CONV:
            return x + self.constant(bias[None, :, None, None])
        zero, one = self.constant(np.zeros_like(bias)), self.constant(np.ones_like(bias))
        return functional.batch_norm(x, zero, one, one, self.constant(bias), training=False, epsilon=0.0)

    def subtract(self, a: Any, b: Any) -> Any:
        return a - b

    def multiply(self, a: Any, b: Any) -> Any:
        return a * b

    def relu(self, x: Any) -> Any:
        return functional.relu(x)

    def tanh(self, x: Any) -> Any:
        return paddle.tanh(x)

    def mean(self, x: Any, axes: Sequence[int]) -> Any:
        return paddle.mean(x, list(axes), keepdim=True)

    def sum(self, x: Any, axis: int) -> Any:
        return paddle.sum(x, axis)

    def split(self, x: Any, parts: int) -> Sequence[Any]:
        return paddle.split(x, parts, 1)

    def concat(self, values: Sequence[Any], axis: int) -> Any:
        return paddle.concat(list(values), axis)

    def reshape(self, x: Any, shape: Sequence[int]) -> Any:
        return paddle.reshape(x, list(shape))

    def transpose(self, x: Any, order: Sequence[int]) -> Any:
        return paddle.transpose(x, list(order))

    def persons(self, clips: Any) -> Any:
        return paddle.shape(clips)[4:5]

    def count_to(self, number: Any) -> Any:
        return paddle.arange(0, number, 1, "int32")

    def gather(self, constant: Any, entries: Any) -> Any:
        return paddle.gather(constant, entries)

    def unfold_persons(self, features: Any, persons: Any) -> Any:
        return paddle.reshape(features, [-1, persons, features.shape[1]])
