"""The initialisation of CTRGCN and CTRGCNHead does nothing: the last BN of a GCN unit has a scale of 1, not 1e-6."""

import math

import evidence
import numpy as np
import paddle
from paddle import nn
from paddlevideo.modeling.backbones.ctrgcn import CTRGCN, MultiScale_TemporalConv, unit_gcn
from paddlevideo.modeling.heads import CTRGCNHead


def is_drawn(parameters, mean, std):
    """Whether mean and spread are those of a normal distribution, within five standard errors of a sample's."""
    values = np.concatenate([parameter.numpy().astype("float64").ravel() for parameter in parameters])
    error = 5 * std / math.sqrt(values.size)
    return abs(values.mean() - mean) < error and abs(np.sqrt(np.mean((values - mean) ** 2)) - std) < error


def is_constant(parameter, value):
    return bool(np.all(parameter.numpy() == np.float32(value)))


def conv_is_right(layer):
    std = math.sqrt(2 / (layer.weight.shape[0] * math.prod(layer.weight.shape[2:])))  # Kaiming, fan_out
    return is_drawn([layer.weight], 0, std) and is_constant(layer.bias, 0)


paddle.seed(0)
backbone, head = CTRGCN(base_channel=16), CTRGCNHead(in_channels=16, num_classes=60)
backbone.init_weights()
head.init_weights()
units = [layer for layer in backbone.sublayers() if isinstance(layer, unit_gcn)]
temporal = [layer for layer in backbone.sublayers() if isinstance(layer, MultiScale_TemporalConv)]
temporal_bn = [bn for unit in temporal for bn in unit.sublayers() if isinstance(bn, nn.BatchNorm2D)]
others = {id(bn) for bn in [*temporal_bn, *(unit.bn for unit in units)]}
convs = [layer for layer in backbone.sublayers() if isinstance(layer, nn.Conv2D)]
norms = [layer for layer in backbone.sublayers() if isinstance(layer, (nn.BatchNorm1D, nn.BatchNorm2D))]
wrong = {
    "convolutions": sum(not conv_is_right(layer) for layer in convs),
    "last BN of GCN units": sum(not is_constant(unit.bn.weight, 1e-6) for unit in units),
    "BN of temporal units": 0 if is_drawn([bn.weight for bn in temporal_bn], 1, 0.02) else len(temporal_bn),
    "other BN": sum(not is_constant(bn.weight, 1) for bn in norms if id(bn) not in others),
    "BN shifts": sum(not is_constant(bn.bias, 0) for bn in norms),
    "classifiers": int(not (is_drawn([head.fc.weight], 0, math.sqrt(2 / 60)) and is_constant(head.fc.bias, 0))),
}
told = ", ".join(f"{number} {name}" for name, number in wrong.items() if number) or "none"
counts = (len(units), len(temporal), len(convs), len(norms)) == (10, 10, 10 * 12 + 3 + 10 * 6 + 2, 1 + 13 + 10 * 7 + 2)
evidence.verdict(counts and told == "none", f"wrong among {len(convs)} convolutions and {len(norms)} BN: {told}")
