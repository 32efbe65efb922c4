"""Which network a state dict is of, read off its keys and shapes, where no config says it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ctrgcn_plugin import layouts
from ctrgcn_plugin.convert.forms import BLOCKS, is_rectified
from ctrgcn_plugin.errors import CheckpointError
from ctrgcn_plugin.models.backbones import SkeletonBackbone
from ctrgcn_plugin.models.network import BACKBONES, Network, build_network
from ctrgcn_plugin.models.units import MergedCTRGC, RectifiedMultiScaleTemporal

FIRST = "backbone.l1.gcn1"
# of CTRGCN and of CTRGCN_lightV2, whose input channels are the coordinates
ENTRIES = (f"{FIRST}.convs.0.conv1.weight", f"{FIRST}.convs.conv1.weight")
DEFAULT_CLASSES = 60


def network_of(state: Mapping[str, np.ndarray], source: object) -> Network:
    """The network whose blocks are likest to those in `state`, of the sizes that its shapes say.

    A head that is not in it has :data:`DEFAULT_CLASSES` classes.

    Args:
        state: in Paddle's form.
        source: names the checkpoint in an error.

    Raises:
        CheckpointError: they do not say it.
    """
    try:
        coordinates = next(state[key] for key in ENTRIES if key in state).shape[1]
        joints = state[f"{FIRST}.PA"].shape[-1]
        width = len(state[f"{FIRST}.bn.weight"])
        persons = len(state["backbone.data_bn.weight"]) // (coordinates * joints)
        classes = len(state["head.fc.bias"]) if "head.fc.bias" in state else DEFAULT_CLASSES
    except (KeyError, StopIteration, IndexError, TypeError, ZeroDivisionError) as error:
        raise CheckpointError(
            f"{source} does not say which network it is of: its keys or shapes are not those of a first block; "
            "give the config it was trained with"
        ) from error
    graphs = layouts.with_joints(joints)
    if not graphs:
        raise CheckpointError(
            f"{source} is of {joints} joints, and no layout that is shipped has so many; give a config"
        )
    name = max(BACKBONES, key=lambda name: _likeness(BACKBONES[name], state))
    backbone = {"name": name, "graph": graphs[0], "in_channels": coordinates, "num_person": persons}
    head = {"name": "CTRGCNMixupHead", "in_channels": width, "num_classes": classes}
    return build_network({"backbone": {**backbone, "base_channel": width}, "head": head})


def _likeness(backbone: type[SkeletonBackbone], state: Mapping[str, np.ndarray]) -> tuple[bool, bool, int]:
    """Whether both or neither merge the subsets, whether both or neither end temporal units in a ReLU, and in how many
    blocks both or neither model space."""
    merged = backbone.graph_conv is MergedCTRGC
    spatial = [stage.spatial for stage in backbone.stages] + [False] * (BLOCKS - len(backbone.stages))
    there = [f"backbone.l{number}.gcn1.alpha" in state for number in range(1, BLOCKS + 1)]
    rectified = backbone.temporal is RectifiedMultiScaleTemporal
    alike = sum(own == other for own, other in zip(spatial, there))
    return merged == (ENTRIES[1] in state), rectified == is_rectified(state), alike
