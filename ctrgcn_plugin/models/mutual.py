"""Deep mutual learning: networks that learn from the labels and from each other's answers.

Zhang et al., "Deep Mutual Learning", CVPR 2018. Distillation from a fixed teacher is the case
where one of the networks is frozen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import paddle
from paddle import nn
from paddle.nn.functional import log_softmax

from ctrgcn_plugin import checkpoint
from ctrgcn_plugin.errors import ConfigError, unknown
from ctrgcn_plugin.models.labels import Labels, accuracies, soft_cross_entropy
from ctrgcn_plugin.models.network import STUDENT

GROUND_TRUTH = "GroundTruth"
MODES = ("Train", "Val")


class MutualCELoss(nn.Layer):
    """Cross entropy against plain or mixed labels, smoothed while training.

    Args:
        loss_weight: factor.
        ls_eps: label smoothing.
    """

    def __init__(self, loss_weight: float = 1.0, ls_eps: float = 0.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.ls_eps = ls_eps

    def forward(self, scores: paddle.Tensor, labels: Labels) -> paddle.Tensor:
        """Scores (N, K), labels as in :mod:`ctrgcn_plugin.models.labels` -> scalar."""
        return self.loss_weight * soft_cross_entropy(scores, labels, self.ls_eps)


class MutualKLLoss(nn.Layer):
    """Symmetric Kullback-Leibler divergence of two networks' answers (Zhang et al. 2018, section 2.2).

    Half the sum of both directions, as in upstream's DistillationDMLLoss.

    Args:
        loss_weight: factor.
        temperature: softens both answers; the loss is scaled by its square, which keeps the size
            of the gradient (Hinton et al. 2015).
    """

    def __init__(self, loss_weight: float = 1.0, temperature: float = 1.0) -> None:
        super().__init__()
        if temperature <= 0:
            raise ConfigError(f"MutualKLLoss: temperature must be above 0, got {temperature}")
        self.loss_weight = loss_weight
        self.temperature = temperature

    def forward(self, scores: paddle.Tensor, others: paddle.Tensor) -> paddle.Tensor:
        """Two networks' scores (N, K) -> scalar."""
        log_p, log_q = (log_softmax(x / self.temperature, axis=-1) for x in (scores, others))
        divergence = 0.5 * ((log_p.exp() - log_q.exp()) * (log_p - log_q)).sum(-1).mean()
        return self.loss_weight * self.temperature**2 * divergence


LOSSES = (MutualCELoss, MutualKLLoss)


@dataclass(frozen=True)
class Term:
    """One summand of the loss: `loss(outputs[pair[0]], outputs[pair[1]])` in mode ``Train`` or ``Val``."""

    mode: str
    pair: tuple[str, str]
    loss: nn.Layer


class MutualLearning(nn.Layer):
    """Any number of networks trained together; one of them, the student, is evaluated and exported.

    Args:
        networks: name -> network from clips (N, C, T, V, M) to scores (N, K).
        terms: the loss; a pair names networks, or a network and ``GroundTruth``.
        frozen: names of networks that only answer. They stay in eval mode: their BN statistics
            are as fixed as their weights.
        student: name of the network to evaluate and export.
    """

    def __init__(
        self,
        networks: Mapping[str, nn.Layer],
        terms: Sequence[Term],
        frozen: Sequence[str] = (),
        student: str = STUDENT,
    ) -> None:
        super().__init__()
        if student not in networks:
            raise unknown("network as MODEL.student", student, networks)
        if student in frozen:
            raise ConfigError(f"MODEL.freeze_params_list freezes the student, {student!r}, which is to learn")
        _check_terms(terms, networks)
        self.terms = tuple(terms)
        self.frozen = frozenset(frozen)
        self.student = student
        self.network_names = tuple(networks)
        for name, network in networks.items():
            self.add_sublayer(name, network)
            if name in self.frozen:
                for parameter in network.parameters():
                    parameter.stop_gradient = True

    def forward(self, data_batch: Sequence[paddle.Tensor], mode: str = "infer") -> Any:
        """Upstream's recognizer interface: data_batch is [clips, *labels], mode train, valid, test or infer."""
        if mode == "train":
            return self._step(data_batch, "Train")
        if mode == "valid":
            return self._step(data_batch, "Val")
        return getattr(self, self.student)(data_batch[0])

    def _answer(self, name: str, clips: paddle.Tensor) -> paddle.Tensor:
        network = getattr(self, name)
        if name not in self.frozen:
            return network(clips)
        # here and not in train(): paddle.DataParallel sets the mode of every layer past that
        if network.training:
            network.eval()
        with paddle.no_grad():
            return network(clips)

    def _step(self, data_batch: Sequence[paddle.Tensor], mode: str) -> dict[str, paddle.Tensor]:
        clips, labels = data_batch[0], data_batch[1:]
        terms = [term for term in self.terms if term.mode == mode]
        asked = {name for term in terms for name in term.pair} | {self.student}
        outputs: dict[str, Any] = {name: self._answer(name, clips) for name in self.network_names if name in asked}
        outputs[GROUND_TRUTH] = labels
        loss = sum(term.loss(outputs[term.pair[0]], outputs[term.pair[1]]) for term in terms)
        return {"loss": loss, **accuracies(outputs[self.student], labels, over_all_ranks=mode == "Val")}

    def set_state_dict(self, state_dict: Mapping[str, Any], use_structured_name: bool = True) -> Any:
        """Load a checkpoint of all networks, or one of the student alone; see :func:`checkpoint.load_into`."""
        state = {checkpoint.canonical(key, self.network_names): value for key, value in state_dict.items()}
        if any(key.partition(".")[0] in self.network_names for key in state):
            fit = checkpoint.load_into(self, state, "the checkpoint")
        else:
            fit = checkpoint.load_into(getattr(self, self.student), state, "the checkpoint")
        return fit.missing, fit.extra

    set_dict = set_state_dict
    load_dict = set_state_dict


def _check_terms(terms: Sequence[Term], networks: Mapping[str, nn.Layer]) -> None:
    for mode in MODES:
        if not any(term.mode == mode for term in terms):
            raise ConfigError(f"MODEL.loss has no term for {mode}; each of {', '.join(MODES)} needs at least one")
    for term in terms:
        if term.mode not in MODES:
            raise unknown("mode in MODEL.loss", term.mode, MODES)
        for name in term.pair:
            if name != GROUND_TRUTH and name not in networks:
                raise unknown("name in model_name_pairs", name, [*networks, GROUND_TRUTH])
