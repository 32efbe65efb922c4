"""The few operations that a fused graph is made of; each format implements them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np

Value = TypeVar("Value")


class Ops(Protocol[Value]):
    """Writes a graph in one format. Tensors are (B, C, V, T) unless said otherwise: time is the last axis."""

    def constant(self, values: np.ndarray) -> Value:
        """A stored tensor of any shape."""

    def zeros(self, *shape: int) -> Value:
        """A tensor that need not be stored."""

    def conv(
        self, x: Value, weight: np.ndarray, bias: np.ndarray, *, stride: int = 1, dilation: int = 1, groups: int = 1
    ) -> Value:
        """Convolution along time with weight (O, I / groups, K), padded so that stride 1 keeps T."""

    def max_pool(self, x: Value, stride: int) -> Value:
        """Maximum of three frames."""

    def matmul(self, a: Value, b: Value) -> Value:
        """Batched product of the last two axes."""

    def add(self, a: Value, b: Value) -> Value:
        """Sum, broadcast."""

    def add_bias(self, x: Value, bias: np.ndarray) -> Value:
        """Sum with a bias (C,) for each channel of axis 1."""

    def subtract(self, a: Value, b: Value) -> Value:
        """Difference, broadcast."""

    def multiply(self, a: Value, b: Value) -> Value:
        """Product, broadcast."""

    def relu(self, x: Value) -> Value:
        """max(x, 0)."""

    def tanh(self, x: Value) -> Value:
        """Hyperbolic tangent."""

    def mean(self, x: Value, axes: Sequence[int]) -> Value:
        """Mean over `axes`, which stay with length 1."""

    def sum(self, x: Value, axis: int) -> Value:
        """Sum over `axis`, which goes."""

    def split(self, x: Value, parts: int) -> Sequence[Value]:
        """Equal parts along axis 1."""

    def concat(self, values: Sequence[Value], axis: int) -> Value:
        """Joined along `axis`."""

    def reshape(self, x: Value, shape: Sequence[int]) -> Value:
        """The same values, one length may be -1."""

    def transpose(self, x: Value, order: Sequence[int]) -> Value:
        """Axes in another order."""

    def persons(self, clips: Value) -> Value:
        """m of clips (N, C, T, V, m), which a graph knows only when it runs."""

    def count_to(self, number: Value) -> Value:
        """0, 1, .. number - 1."""

    def gather(self, constant: Value, entries: Value) -> Value:
        """Those entries of axis 0."""

    def unfold_persons(self, features: Value, persons: Value) -> Value:
        """(N * m, F) -> (N, m, F)."""
