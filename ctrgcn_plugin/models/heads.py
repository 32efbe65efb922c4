"""Classification head of the CTR-GCN family (Chen et al. 2021, section 3.4)."""

from __future__ import annotations

import math

import paddle
from paddle import nn

from ctrgcn_plugin.models.labels import Labels, accuracies, soft_cross_entropy

# the family's last stage is four times as wide as its first, and upstream's configs give the first
WIDENING = 4


class CTRGCNMixupHead(nn.Layer):
    """Global average over time, joints and persons, then one linear layer.

    Takes the place of upstream's CTRGCNHead with the same state-dict keys, and learns from mixup
    and label smoothing at once.

    Args:
        in_channels: the backbone's base_channel.
        num_classes: K.
        drop_out: probability of dropping a feature.
        ls_eps: label smoothing, in training only.
    """

    def __init__(
        self, in_channels: int = 64, num_classes: int = 10, drop_out: float = 0.0, ls_eps: float = 0.0
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.ls_eps = ls_eps
        self.drop_out = nn.Dropout(drop_out)
        self.fc = nn.Linear(in_channels * WIDENING, num_classes)
        self.init_weights()

    def init_weights(self) -> None:
        nn.initializer.Normal(0.0, math.sqrt(2 / self.num_classes))(self.fc.weight)
        nn.initializer.Constant(0.0)(self.fc.bias)

    def forward(self, features: tuple[paddle.Tensor, int, int]) -> paddle.Tensor:
        """(x (N * M, C, T, V), N, M) as a backbone returns it -> scores (N, K)."""
        x, _, persons = features
        pooled = x.mean([2, 3]).reshape([-1, persons, x.shape[1]]).mean(1)
        return self.fc(self.drop_out(pooled))

    def loss(
        self, scores: paddle.Tensor, labels: Labels, valid_mode: bool = False, if_top5: bool = True
    ) -> dict[str, paddle.Tensor]:
        """``loss``, ``top1`` and ``top5`` of scores (N, K) against plain or mixed labels."""
        loss = soft_cross_entropy(scores, labels, 0.0 if valid_mode else self.ls_eps)
        return {**accuracies(scores, labels, valid_mode, if_top5), "loss": loss}
