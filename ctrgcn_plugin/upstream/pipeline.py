"""Steps for upstream's PIPELINE.

Upstream's own steps stay as they are: these have names of their own, because ``SketeonCropSample`` computes in the
type that it is given and these in float32, which is the same only for clips that are float32 (after ``Iden`` all are).
Beside them stand upstream's ``SketeonModalityTransform`` and ``Iden``, which is fastest as the last step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from ctrgcn_plugin.data.augment import Augmentation
from ctrgcn_plugin.data.steps import CropResample, Rotation


class Step(ABC):
    """A step of upstream's PIPELINE that changes the clip and nothing else."""

    @abstractmethod
    def apply(self, clip: np.ndarray) -> np.ndarray:
        """Clip (C, T, V, M) -> clip, another array if it differs."""

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        results["data"] = self.apply(results["data"])
        return results


class SkeletonCropResample(CropResample, Step):
    """Upstream's SketeonCropSample in NumPy, see :class:`~ctrgcn_plugin.data.steps.CropResample`."""


class SkeletonRotation(Rotation, Step):
    """Upstream's RandomRotation in one product, see :class:`~ctrgcn_plugin.data.steps.Rotation`."""


class SkeletonAugment(Augmentation, Step):
    """More augmentations, see :class:`~ctrgcn_plugin.data.augment.Augmentation`."""


STEPS = (SkeletonCropResample, SkeletonRotation, SkeletonAugment)
