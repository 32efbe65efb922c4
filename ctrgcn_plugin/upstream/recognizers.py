"""Mutual learning in upstream's config form, built by upstream's builders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

import paddle

from ctrgcn_plugin import checkpoint
from ctrgcn_plugin.errors import CheckpointError, ConfigError
from ctrgcn_plugin.models.mutual import MutualLearning, Term
from ctrgcn_plugin.models.network import STUDENT, Network, named_models
from ctrgcn_plugin.upstream.log import logger


class RecognizerMutualDistillation(MutualLearning):
    """Deep mutual learning in the config form of upstream's RecognizerDistillation.

    The framework's name holds ``Distillation`` so that upstream saves the student's weights on
    their own as well, ``<model_name>_best_student.pdparams``, which a plain RecognizerGCN loads.

    Args:
        models: list of ``{name: {backbone: ..., head: ...}}``. A backbone's ``pretrained`` is a
            checkpoint that starts its network: what fits is loaded, the rest is reported.
        freeze_params_list: one bool for each network; none is frozen where it is missing.
        loss: ``Train`` and ``Val``, each a list of losses with ``model_name_pairs``.
        student: name of the network to evaluate and export.
    """

    def __init__(
        self,
        models: Sequence[Mapping[str, Any]],
        loss: Mapping[str, Sequence[Mapping[str, Any]]],
        freeze_params_list: Optional[Sequence[bool]] = None,
        student: str = STUDENT,
        runtime_cfg: Optional[Mapping[str, Any]] = None,
    ) -> None:
        configs = named_models(models)
        freeze = [False] * len(configs) if freeze_params_list is None else list(freeze_params_list)
        if len(freeze) != len(configs):
            raise ConfigError(
                f"MODEL.freeze_params_list has {len(freeze)} values for {len(configs)} networks "
                f"({', '.join(configs)}); give one for each"
            )
        frozen = [name for name, fixed in zip(configs, freeze) if fixed]
        networks = {name: _build(name, config) for name, config in configs.items()}
        super().__init__(networks, _terms(loss), frozen, student)
        self.untaught = {name for name in frozen if not configs[name]["backbone"].get("pretrained")}

    def forward(self, data_batch: Sequence[paddle.Tensor], mode: str = "infer") -> Any:
        """As :meth:`MutualLearning.forward`; refuses to train with a frozen network that was never trained."""
        if mode == "train" and self.untaught:
            names = ", ".join(sorted(self.untaught))
            raise ConfigError(
                f"{names}: frozen, but neither `pretrained` nor -w gave it weights, so it would teach noise; "
                "set MODEL.models.<index>.<name>.backbone.pretrained to its checkpoint"
            )
        return super().forward(data_batch, mode)

    def set_state_dict(self, state_dict: Mapping[str, Any], use_structured_name: bool = True) -> Any:
        """As :meth:`MutualLearning.set_state_dict`."""
        result = super().set_state_dict(state_dict, use_structured_name)
        self.untaught = {name for name in self.untaught if not any(key.startswith(f"{name}.") for key in state_dict)}
        return result

    set_dict = set_state_dict
    load_dict = set_state_dict


def _build(name: str, config: Mapping[str, Any]) -> Network:
    from paddlevideo.modeling import builder

    for part in ("backbone", "head"):
        if part not in config:
            raise ConfigError(f"MODEL.models: network {name!r} has no {part}; it needs a backbone and a head")
    backbone = {key: value for key, value in config["backbone"].items() if key != "pretrained"}
    network = Network(builder.build_backbone(backbone), builder.build_head(dict(config["head"])))
    network.backbone.init_weights()
    network.head.init_weights()
    pretrained = config["backbone"].get("pretrained")
    if pretrained:
        start_from(network, pretrained, name)
    return network


def start_from(network: Network, path: str, name: str) -> checkpoint.Fit:
    """Initialise a network from what fits of a checkpoint, its own or another network's of a distillation."""
    try:
        fit = checkpoint.load_into(network, checkpoint.of_network(checkpoint.read(path), name), path, strict=False)
    except CheckpointError as error:
        raise CheckpointError(f"`pretrained` of {name!r}: {error}") from error
    logger().info(f"{name} starts from {path}: {fit}")
    return fit


def _terms(loss: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Term]:
    from paddlevideo.modeling import builder

    terms = []
    for mode, configs in loss.items():
        for config in configs:
            options = dict(config)
            pair = options.pop("model_name_pairs", None)
            if not isinstance(pair, (list, tuple)) or len(pair) != 2:
                raise ConfigError(f"MODEL.loss.{mode}: model_name_pairs must name two outputs, got {pair!r}")
            terms.append(Term(mode, (pair[0], pair[1]), builder.build_loss(options)))
    return terms
