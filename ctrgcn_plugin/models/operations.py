"""The operations of CTR-GC, in two forms.

The plain form goes layer by layer, without an operation that an inference engine gets wrong: it is what is exported,
and what hooks look into (:func:`plainly`). The other is the same algebra in the operations that are cheapest on a CPU,
forward and backward: training, and evaluation in eager mode.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import paddle
from paddle import nn

_wanted_plain = False


@contextlib.contextmanager
def plainly() -> Iterator[None]:
    """Meanwhile units compute in their plain form, whose every convolution is a layer that hooks can see."""
    global _wanted_plain
    before, _wanted_plain = _wanted_plain, True
    try:
        yield
    finally:
        _wanted_plain = before


def is_plain(unit: nn.Layer) -> bool:
    """Whether a unit is to compute in its plain form: a static graph for inference is made of it, or it is asked to."""
    return _wanted_plain or not (unit.training or paddle.in_dynamic_mode())


def aggregate(topology: paddle.Tensor, features: paddle.Tensor) -> paddle.Tensor:
    """Channel-wise graph aggregation (paper, equation 4): (B, C, V, V), (B, C, T, V) -> (B, C, T, V).

    An einsum, because oneDNN's inference pass computes a matmul that directly follows a
    convolution wrongly (Paddle 2.6 to 3.3, on by default on CPU).
    """
    return paddle.einsum("ncuv,nctv->nctu", topology, features)


def aggregate_by_matmul(topology: paddle.Tensor, features: paddle.Tensor) -> paddle.Tensor:
    """The same as :func:`aggregate`, in half its time with a backward pass, and not for oneDNN's inference."""
    return paddle.matmul(features, topology, transpose_y=True)


def refine(relation: paddle.Tensor, subset: paddle.Tensor, alpha: paddle.Tensor) -> paddle.Tensor:
    """Shared topology plus its channel-wise refinement (paper, equation 3): (B, C, V, V) + (V, V)."""
    return relation * alpha + subset


class Conv2D(nn.Conv2D):
    """A convolution whose bias is cheap on a CPU.

    Paddle adds a bias as (1, C, 1, 1) and takes several times the convolution's own time for that
    sum's gradient; as (C, 1, 1) the same sum goes through a faster kernel.
    """

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        if self.bias is None or is_plain(self):
            # Paddle 2.6 cannot make super() static
            return nn.Conv2D.forward(self, x)
        return self.convolve(x, self.weight) + self.bias.reshape([-1, 1, 1])

    def convolve(self, x: paddle.Tensor, weight: paddle.Tensor) -> paddle.Tensor:
        """The convolution with another weight, and no bias."""
        return nn.functional.conv2d(
            x, weight, None, self._stride, self._updated_padding, self._dilation, self._groups, self._data_format
        )


def mean_by_sum(x: paddle.Tensor) -> paddle.Tensor:
    """Over time, (B, C, T, V) -> (B, C, 1, V): the gradient of Paddle's mean takes several times that of its sum."""
    return x.sum(2, keepdim=True) / x.shape[2]


def relate_expanded(query: paddle.Tensor, key: paddle.Tensor) -> paddle.Tensor:
    """Every joint's query compared with every joint's key: (B, R, 1, V), (B, R, 1, V) -> (B, R, V, V).

    Expanded, because a sum that broadcasts both of its sides takes twice the time.
    """
    joints = key.shape[3]
    query, key = (x.expand([-1, -1, joints, joints]) for x in (query.transpose([0, 1, 3, 2]), key))
    return paddle.tanh(query - key)


def refine_in_convolution(
    relation: paddle.Tensor, lift: Conv2D, subset: paddle.Tensor, alpha: paddle.Tensor
) -> paddle.Tensor:
    """The same as ``refine(lift(relation), subset, alpha)``, in one pass over (B, C, V, V) where that takes three.

    Alpha scales the convolution's parameters, and its bias joins the subset.
    """
    shared = subset + (lift.bias * alpha).reshape([-1, 1, 1])
    return lift.convolve(relation, lift.weight * alpha) + shared
