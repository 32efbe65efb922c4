"""A backbone and its head as one network, from a config's MODEL section, without PaddleVideo."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import paddle
from paddle import nn

from ctrgcn_plugin.errors import ConfigError, unknown
from ctrgcn_plugin.models import backbones
from ctrgcn_plugin.models.heads import CTRGCNMixupHead

STUDENT = "Student"
BACKBONES = {cls.__name__: cls for cls in (backbones.CTRGCN, *backbones.BACKBONES)}
# upstream's head differs in its loss only
HEADS = {"CTRGCNMixupHead": CTRGCNMixupHead, "CTRGCNHead": CTRGCNMixupHead}


class Network(nn.Layer):
    """Clips (N, C, T, V, M) -> scores (N, K); state-dict keys as in upstream's RecognizerGCN."""

    def __init__(self, backbone: nn.Layer, head: nn.Layer) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return self.head(self.backbone(x))


def named_models(models: Any) -> dict[str, Mapping[str, Any]]:
    """Name -> config of each network in a ``models`` list of upstream's distillation form."""
    if not isinstance(models, (list, tuple)) or not models:
        raise ConfigError(f"MODEL.models must be a list of networks (- Teacher: ... - Student: ...), got {models!r}")
    named: dict[str, Mapping[str, Any]] = {}
    for entry in models:
        if not isinstance(entry, Mapping) or len(entry) != 1:
            raise ConfigError(f"each entry of MODEL.models must be one 'Name: {{backbone, head}}', got {entry!r}")
        ((name, config),) = entry.items()
        if name in named:
            raise ConfigError(f"MODEL.models has two networks called {name!r}; names must differ")
        named[name] = config
    return named


def deployed_model(model: Mapping[str, Any]) -> Mapping[str, Any]:
    """The backbone and head that a MODEL section evaluates and exports: a distillation's student."""
    if "models" not in model:
        return model
    named = named_models(model["models"])
    student = model.get("student", STUDENT)
    if student not in named:
        raise unknown("network as MODEL.student", student, named)
    return named[student]


def build_network(model: Mapping[str, Any]) -> Network:
    """The network of a MODEL section, freshly initialised."""
    if not isinstance(model, Mapping):
        raise ConfigError(f"MODEL must be a section with a backbone and a head, got {model!r}")
    section = deployed_model(model)
    parts = []
    for part, table in (("backbone", BACKBONES), ("head", HEADS)):
        config = dict(section.get(part) or {})
        name = config.pop("name", None)
        if name not in table:
            raise unknown(f"MODEL {part}", name, table)
        config.pop("pretrained", None)
        keys = inspect.signature(table[name]).parameters
        for key in config:
            if key not in keys:
                raise unknown(f"key of {name} in MODEL {part}", key, keys)
        try:
            parts.append(table[name](**config))
        except TypeError as error:
            raise ConfigError(f"MODEL {part} {name}: {error}") from error
    return Network(*parts)
