"""A training or test in several processes, its ranks, as ``python -m paddle.distributed.launch`` starts them.

Each rank has its share of every batch, and ``paddle.DataParallel`` averages their gradients. What else several ranks
need to do what one process with all the samples does is here. Everything that talks has to be called in all of them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import paddle
from paddle import distributed, nn
from paddle.autograd import PyLayer
from paddle.io import DistributedBatchSampler

from ctrgcn_plugin.errors import ConfigError

NORMS = (nn.BatchNorm1D, nn.BatchNorm2D, nn.BatchNorm3D)


class EvenBatchSampler(DistributedBatchSampler):
    """The batches of one rank of an evaluation, in the data's order: each sample is in one batch of one rank.

    Paddle's sampler has samples repeated until all ranks have equally many. Here the ranks have equally many batches,
    so that they can talk after each, and the batches are smaller by one where that is needed. Ranks have consecutive
    samples: their results one after the other are in the data's order.

    Attributes:
        sizes: number of samples of each batch. None is above `batch_size`, but where that is 1 and the ranks' shares
            are unequal one may be 2.

    Raises:
        ConfigError: there are fewer samples than ranks.
    """

    def __init__(self, dataset: Any, batch_size: int, **options: Any) -> None:
        super().__init__(dataset, batch_size, **options)
        samples = len(dataset)
        if samples < self.nranks:
            raise ConfigError(
                f"{samples} samples cannot be shared out to {self.nranks} processes; start at most {samples} of them "
                "(--nproc_per_node), or give more data"
            )
        # no batch is empty
        batches = min(math.ceil(math.ceil(samples / self.nranks) / batch_size), samples // self.nranks)
        own = np.array_split(np.arange(samples), self.nranks)[self.local_rank]
        self._batches = [batch.tolist() for batch in np.array_split(own, batches)]
        self.sizes = [len(batch) for batch in self._batches]

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._batches)

    def __len__(self) -> int:
        return len(self._batches)


def mean_over_ranks(values: paddle.Tensor, count: int) -> tuple[paddle.Tensor, int]:
    """Means (K,) over `count` samples of this rank -> means (K,) over those of all ranks, and their number."""
    sums = paddle.concat([values.detach().astype("float32") * count, paddle.to_tensor([count], "float32")])
    distributed.all_reduce(sums)
    return sums[:-1] / sums[-1], int(sums[-1])


def gathered(values: np.ndarray) -> np.ndarray:
    """(n, ...) of each rank, n its own -> those of all ranks one after the other, (sum of n, ...)."""
    counts = [count.item() for count in _of_all_ranks(paddle.to_tensor([len(values)]))]
    longest = np.zeros((max(counts), *values.shape[1:]), values.dtype)
    longest[: len(values)] = values
    parts = _of_all_ranks(paddle.to_tensor(longest))
    return np.concatenate([part.numpy()[:count] for part, count in zip(parts, counts)])


def draw_apart() -> None:
    """Have every rank but the first go on with random numbers of its own, which follow from those it would have drawn.

    To be called where all ranks have the same states, after they were seeded alike or have read the same checkpoint.
    """
    rank = distributed.get_rank()
    if not rank:
        return
    states = np.random.SeedSequence([np.random.randint(2**31), rank]).generate_state(3)
    for seed, number in zip((random.seed, np.random.seed, paddle.seed), states.tolist()):
        seed(number)


def share_statistics(model: nn.Layer) -> nn.Layer:
    """Have a model that was trained evaluated with the first rank's statistics of its batch normalisations.

    They are what a checkpoint holds; those of the other ranks, which have seen other samples, differ.
    """
    norms = [layer for layer in model.sublayers() if isinstance(layer, NORMS)]
    trained = False

    def before_forward(layer: nn.Layer, _: Any) -> None:
        nonlocal trained
        if trained and not layer.training:
            for norm in norms:
                distributed.broadcast(norm._mean, src=0)
                distributed.broadcast(norm._variance, src=0)
        trained = layer.training

    model.register_forward_pre_hook(before_forward)
    return model


class _Normalise(PyLayer):
    """Batch normalisation with statistics of the samples of all ranks (Ioffe & Szegedy 2015, section 3)."""

    @staticmethod
    def forward(
        ctx: Any,
        x: paddle.Tensor,
        weight: paddle.Tensor,
        bias: paddle.Tensor,
        mean: paddle.Tensor,
        scale: paddle.Tensor,
    ) -> paddle.Tensor:
        """x (N, C, ...), the others (C,) -> (N, C, ...); `scale` is one over the standard deviation."""
        normal = (x.astype(weight.dtype) - _wide(mean, x)) * _wide(scale, x)
        ctx.save_for_backward(normal, weight * scale)
        ctx.dtype, ctx.learns = x.dtype, [not given.stop_gradient for given in (x, weight, bias)]
        return (normal * _wide(weight, x) + _wide(bias, x)).astype(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: paddle.Tensor) -> tuple:
        normal, factor = ctx.saved_tensor()
        gradient = gradient.astype(normal.dtype)
        axes = _all_but_channels(gradient)
        # of this rank's samples alone: DataParallel sums parameters' gradients
        of_bias, of_weight = gradient.sum(axes), (gradient * normal).sum(axes)
        sums = paddle.stack([of_bias, of_weight])
        distributed.all_reduce(sums)
        shift, slope = sums / (normal.size // normal.shape[1] * distributed.get_world_size())
        of_x = _wide(factor, normal) * (gradient - _wide(shift, normal) - normal * _wide(slope, normal))
        found = (of_x.astype(ctx.dtype), of_weight, of_bias)
        # Paddle takes nothing for what needs no gradient
        return *(value if learns else None for value, learns in zip(found, ctx.learns)), None, None


class _Synchronised:
    """Comes before a batch normalisation: statistics of the samples of all ranks, of which each has equally many."""

    def forward(self: Any, x: paddle.Tensor) -> paddle.Tensor:
        if not self.training:
            return super().forward(x)  # type: ignore[misc]
        mean, variance = _statistics(x.detach().astype(self.weight.dtype))
        for known, found in ((self._mean, mean), (self._variance, variance)):
            known.set_value(known * self._momentum + found * (1 - self._momentum))
        return _Normalise.apply(x, self.weight, self.bias, mean, (variance + self._epsilon).rsqrt())


SYNCHRONISED = {norm: type(f"Synchronised{norm.__name__}", (_Synchronised, norm), {}) for norm in NORMS}


def synchronise(model: nn.Layer) -> nn.Layer:
    """Have the batch normalisations of a model that trains take their statistics over the samples of all ranks.

    Parameters, buffers and keys stay. On a GPU these are Paddle's own ``nn.SyncBatchNorm``, which it has for no CPU.
    """
    if paddle.get_device() != "cpu":
        return nn.SyncBatchNorm.convert_sync_batchnorm(model)
    for layer in model.sublayers(include_self=True):
        if type(layer) in SYNCHRONISED:
            layer.__class__ = SYNCHRONISED[type(layer)]
    return model


@paddle.no_grad()
def _statistics(x: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
    """Mean and variance (C,) of x (N, C, ...) over all ranks; not by sums of squares, which cancel."""
    axes = _all_but_channels(x)
    mean = x.mean(axes)
    own = paddle.stack([mean, ((x - _wide(mean, x)) ** 2).mean(axes)])
    means, variances = paddle.stack(_of_all_ranks(own), axis=1)
    mean = means.mean(0)
    return mean, (variances + (means - mean) ** 2).mean(0)


def _of_all_ranks(values: paddle.Tensor) -> list[paddle.Tensor]:
    """`values` of each rank; they have the same shape in all."""
    found: list[paddle.Tensor] = []
    distributed.all_gather(found, values)
    return found


def _all_but_channels(x: paddle.Tensor) -> list[int]:
    return [axis for axis in range(x.ndim) if axis != 1]


def _wide(values: paddle.Tensor, x: paddle.Tensor) -> paddle.Tensor:
    """(C,) in a shape that goes along the channels of x (N, C, ...)."""
    return values.reshape([-1] + [1] * (x.ndim - 2))
