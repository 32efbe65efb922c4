"""The four streams that skeleton models are trained on: joints, bones, and the motion of either.

A bone is the vector to a joint from its parent (Shi et al. 2019, arXiv 1805.07694), motion the difference to the next
frame (Shi et al. 2020, arXiv 1912.06971); CTR-GCN fuses all four. This is what upstream's ``SketeonModalityTransform``
computes, for any layout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ctrgcn_plugin import layouts
from ctrgcn_plugin.errors import ConfigError, unknown

# upstream's step of a pipeline, and its settings
STEP = "SketeonModalityTransform"
KEYS = ("joint", "bone", "motion", "graph")
# False, as upstream's own configs for bones and motion spell it
TYPO = "Fasle"


@dataclass(frozen=True)
class Modality:
    """One stream. Call it with clips (..., C, T, V, M), of which it makes an array of the same shape and type.

    The clips stay as they are; of joints they are themselves the result.

    Attributes:
        bone: differences between joints and their parents.
        motion: differences to the next frame; zeros in the last.
        parents: V indices, the root's is its own; of a stream of bones only.
    """

    bone: bool = False
    motion: bool = False
    parents: tuple[int, ...] = ()

    @classmethod
    def of(cls, *, joint: bool, bone: bool, motion: bool, parents: tuple[int, ...]) -> Modality:
        """The stream of upstream's settings, of which `joint` goes before the others."""
        return cls() if joint else cls(bool(bone), bool(motion), parents if bone else ())

    @classmethod
    def of_config(cls, config: Mapping[str, Any]) -> Modality:
        """The stream that a config's model is tested on, and is to be given when it predicts.

        That is what INFERENCE says, where it says any of :data:`KEYS`, else what :data:`STEP` in PIPELINE.test does;
        joints where neither says anything.

        Raises:
            ConfigError: a setting is none, or of a wrong type, or `graph` is no layout.
        """
        inference = config.get("INFERENCE")
        said = {key: inference[key] for key in KEYS if key in inference} if isinstance(inference, Mapping) else {}
        place = "INFERENCE" if said else f"PIPELINE.test.{STEP}"
        settings: dict[str, Any] = {"joint": True, "bone": False, "motion": False, "graph": layouts.DEFAULT}
        settings.update(said or tested_on(config))
        for key in settings:
            if key not in KEYS:
                raise unknown(f"key in {place}", key, KEYS)
        parents = layouts.get(settings.pop("graph")).parents
        return cls.of(parents=parents, **{key: _flag(value, f"{place}.{key}") for key, value in settings.items()})

    @classmethod
    def named(cls, name: str, parents: Sequence[int] = ()) -> Modality:
        """The stream called `name`, one of :data:`NAMES`; of bones with these parents."""
        bone, motion = NAMES[name]
        return cls(bone, motion, tuple(parents) if bone else ())

    @property
    def name(self) -> str:
        """One of :data:`NAMES`."""
        return next(name for name, stream in NAMES.items() if stream == (self.bone, self.motion))

    def require_joints(self, count: int) -> None:
        """Raise a ConfigError if this is of bones of a skeleton that has not `count` joints."""
        if self.bone and count != len(self.parents):
            raise ConfigError(
                f"a clip of {count} joints has no bones of a layout of {len(self.parents)}; "
                f"make graph of {STEP} that of the data and of MODEL.backbone"
            )

    def __call__(self, clips: np.ndarray) -> np.ndarray:
        if self.bone:
            self.require_joints(clips.shape[-2])
            # faster than an index by some thirty times
            clips = clips - np.take(clips, self.parents, axis=-2)
        if self.motion:
            steps = np.zeros_like(clips)
            np.subtract(clips[..., 1:, :, :], clips[..., :-1, :, :], out=steps[..., :-1, :, :])
            clips = steps
        return clips


# name -> (bone, motion)
NAMES = {"joint": (False, False), "bone": (True, False), "motion": (False, True), "bone_motion": (True, True)}
JOINTS = Modality()


def _flag(value: Any, place: str) -> bool:
    if value == TYPO:
        return False
    if not isinstance(value, bool):
        raise ConfigError(f"{place} must be True or False, got {value!r}")
    return value


def tested_on(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings of :data:`STEP` in PIPELINE.test as the config has them; nothing where it has no such step.

    Raises:
        ConfigError: there are several such steps, or one whose settings are none.
    """
    pipeline = config.get("PIPELINE")
    test = pipeline.get("test") if isinstance(pipeline, Mapping) else None
    stages = test.values() if isinstance(test, Mapping) else ()
    steps = [step for stage in stages for step in (stage if isinstance(stage, list) else [stage])]
    found = [step[STEP] for step in steps if isinstance(step, Mapping) and STEP in step]
    if len(found) > 1:
        raise ConfigError(f"PIPELINE.test has {len(found)} steps {STEP}; one says which stream the model is for")
    settings = found[0] if found and found[0] is not None else {}
    if not isinstance(settings, Mapping):
        raise ConfigError(f"PIPELINE.test.{STEP} must be settings ({', '.join(KEYS)}), got {settings!r}")
    return settings
