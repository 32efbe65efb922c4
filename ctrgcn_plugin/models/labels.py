"""Labels as PaddleVideo's loaders give them, plain or mixed, and what heads and losses need of them.

A batch's labels are ``(y,)`` or, after Mixup, ``(y_a, y_b, lam)`` with y (N,) or (N, 1) int64 and
lam (N,) float32: the share of y_a.
"""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle.nn.functional import cross_entropy, one_hot

from ctrgcn_plugin.training.distributed import mean_over_ranks

Labels = Sequence[paddle.Tensor]


def _parts(labels: Labels) -> list[tuple[paddle.Tensor, paddle.Tensor]]:
    """(classes (N,), shares (N, 1)) of each ingredient of the batch."""
    if len(labels) not in (1, 3):
        raise ValueError(f"labels must be (y,) or (y_a, y_b, lam), got {len(labels)} tensors")
    if len(labels) == 1:
        classes = labels[0].flatten()
        return [(classes, paddle.ones([classes.shape[0], 1]))]
    first, second, share = labels[0].flatten(), labels[1].flatten(), labels[2].reshape([-1, 1]).astype("float32")
    return [(first, share), (second, 1 - share)]


def soft_targets(labels: Labels, num_classes: int, ls_eps: float = 0.0) -> paddle.Tensor:
    """Class probabilities to learn, (N, num_classes): mixed, then smoothed by `ls_eps` (Szegedy et al. 2016)."""
    target = sum(share * one_hot(classes, num_classes) for classes, share in _parts(labels))
    return target * (1 - ls_eps) + ls_eps / num_classes


def soft_cross_entropy(scores: paddle.Tensor, labels: Labels, ls_eps: float = 0.0) -> paddle.Tensor:
    """Mean cross entropy of scores (N, K) against mixed, smoothed labels; a scalar."""
    return cross_entropy(scores, soft_targets(labels, scores.shape[-1], ls_eps), soft_label=True)


def top_k_accuracy(scores: paddle.Tensor, labels: Labels, k: int) -> paddle.Tensor:
    """Share of samples whose class is among the k best scores; a mixed sample counts by its shares."""
    best = scores.topk(min(k, scores.shape[-1]), axis=-1)[1]
    hits = sum(
        share.flatten() * (best == classes.unsqueeze(-1)).astype("float32").sum(-1) for classes, share in _parts(labels)
    )
    return hits.mean()


def accuracies(scores: paddle.Tensor, labels: Labels, over_all_ranks: bool, if_top5: bool = True) -> dict:
    """``top1`` and ``top5`` as PaddleVideo's log wants them, over the samples of all processes on request."""
    result = {f"top{k}": top_k_accuracy(scores, labels, k) for k in ((1, 5) if if_top5 else (1,))}
    if not over_all_ranks or paddle.distributed.get_world_size() == 1:
        return result
    means, _ = mean_over_ranks(paddle.stack(list(result.values())), scores.shape[0])
    return dict(zip(result, means))
