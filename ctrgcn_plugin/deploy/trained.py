"""A trained network as its config and checkpoint describe it: what an exported model is held against."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

import numpy as np
import paddle

from ctrgcn_plugin import checkpoint
from ctrgcn_plugin.data.clips import read as read_clip
from ctrgcn_plugin.data.modality import Modality
from ctrgcn_plugin.data.sample import centre_crop_resample
from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.models import complexity
from ctrgcn_plugin.models.network import STUDENT, Network, build_network

# defaults of upstream's CTRGCN_Inference_helper, for a config without INFERENCE
WINDOW_SIZE = 64
P_INTERVAL = (0.95,)
# INFERENCE's names for a backbone's clip_shape
SHAPE_KEYS = ("num_channels", "vertex_nums", "person_nums")

AnyPath = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class Trained:
    """A network with its weights, in evaluation mode, and how clips are made ready for it.

    Attributes:
        network: of a distillation, its student.
        window_size: frames T.
        p: the part of a clip that is sampled.
        modality: the stream that it is for.
    """

    network: Network
    window_size: int
    p: float
    modality: Modality

    @classmethod
    def load(cls, config: Mapping[str, Any], weights: AnyPath) -> Trained:
        """Raise a ConfigError or CheckpointError where config and weights cannot be used together."""
        network = build_network(config["MODEL"])
        window_size, p = sampling(config.get("INFERENCE") or {}, network.backbone.clip_shape)
        modality = Modality.of_config(config)
        modality.require_joints(network.backbone.clip_shape[1])
        state = checkpoint.read(os.fspath(weights))
        student = config["MODEL"].get("student", STUDENT)
        checkpoint.load_into(network, checkpoint.of_network(state, student), weights)
        network.eval()
        return cls(network, window_size, p, modality)

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """(C, T, V, M)."""
        channels, joints, persons = self.network.backbone.clip_shape
        return channels, self.window_size, joints, persons

    @property
    def parameter_count(self) -> int:
        """How many values are trained."""
        return sum(complexity.parameters(self.network).values())

    def sample(self, file: Path) -> np.ndarray:
        """What the network is given of a clip of joints in any supported format: (C, T, V, M) float32."""
        clip = read_clip(file, self.network.backbone.clip_shape)
        return self.modality(centre_crop_resample(clip, self.window_size, self.p))

    def scores(self, x: np.ndarray) -> np.ndarray:
        """Clips (N, C, T, V, M) -> scores (N, K)."""
        with paddle.no_grad():
            return self.network(paddle.to_tensor(x)).numpy()


def sampling(inference: Any, clip_shape: tuple[int, int, int]) -> tuple[int, float]:
    """window_size and p of an INFERENCE section, whose shape must be the backbone's (C, V, M)."""
    if not isinstance(inference, Mapping):
        raise ConfigError(f"INFERENCE must be a mapping of window_size, p_interval and so on, got {inference!r}")
    for key, own in zip(SHAPE_KEYS, clip_shape):
        if inference.get(key, own) != own:
            raise ConfigError(f"INFERENCE.{key} is {inference[key]!r}, but the backbone takes {own}; make them agree")
    window_size = inference.get("window_size", WINDOW_SIZE)
    if not isinstance(window_size, int) or window_size < 1:
        raise ConfigError(f"INFERENCE.window_size must be a number of frames, got {window_size!r}")
    p_interval = inference.get("p_interval", P_INTERVAL)
    if not isinstance(p_interval, (list, tuple)) or len(p_interval) != 1 or not _is_part(p_interval[0]):
        raise ConfigError(
            f"INFERENCE.p_interval must be [p] with p in (0, 1], the part of a clip to keep, got {p_interval!r}; "
            "an interval of two would crop at random"
        )
    return window_size, float(p_interval[0])


def _is_part(p: Any) -> bool:
    return isinstance(p, (int, float)) and 0 < p <= 1
