"""``paddlevideo.loader.pipelines.skeleton_pipeline``: cropping a clip to a window."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

import numpy as np

from ctrgcn_plugin.data.sample import resample, valid_frames
from ctrgcn_plugin.upstream.fixes.fix import STOPS, Fix

# upstream's lower bound for a random crop, in frames
SHORTEST_CROP = 64


def _fails(operator: Any, clip: np.ndarray, error: type[Exception]) -> bool:
    """Whether the operator fails so on a clip; leaves NumPy's global random state as it was."""
    state = np.random.get_state()
    try:
        operator({"data": clip})
    except error:
        return True
    finally:
        np.random.set_state(state)
    return False


def _cannot_draw(module: ModuleType) -> bool:
    crop = module.SketeonCropSample(window_size=2, p_interval=[0.5, 1])
    return _fails(crop, np.ones((1, 4, 1, 1), "float32"), TypeError)


def _draw_scalar(module: ModuleType) -> None:
    crop_class = module.SketeonCropSample
    original = crop_class.__call__

    @functools.wraps(original)
    def call(self: Any, results: dict[str, Any]) -> dict[str, Any]:
        if len(self.p_interval) == 1:
            return original(self, results)
        clip = results["data"]
        valid = valid_frames(clip)
        # the draws are upstream's, one by one, so that a seed gives the clips that it always gave
        low, high = self.p_interval
        share = np.random.rand(1)[0] * (high - low) + low
        length = min(max(int(np.floor(valid * share)), SHORTEST_CROP), valid)
        begin = np.random.randint(0, valid - length + 1)
        results["data"] = resample(clip[:, begin : begin + length], self.window_size)
        return results

    crop_class.__call__ = call


def _needs_somebody(module: ModuleType) -> bool:
    crop = module.SketeonCropSample(window_size=2, p_interval=[1])
    return _fails(crop, np.zeros((1, 4, 1, 1), "float32"), Exception)


def _give_zeros(module: ModuleType) -> None:
    crop_class = module.SketeonCropSample
    original = crop_class.__call__

    @functools.wraps(original)
    def call(self: Any, results: dict[str, Any]) -> dict[str, Any]:
        clip = results["data"]
        if valid_frames(clip):
            return original(self, results)
        results["data"] = np.zeros((clip.shape[0], self.window_size, *clip.shape[2:]), "float32")
        return results

    crop_class.__call__ = call


FIXES = (
    Fix(
        "random-crop-scalar",
        "paddlevideo.loader.pipelines.skeleton_pipeline",
        "loader/pipelines/skeleton_pipeline.py:268",
        "only 0-dimensional arrays can be converted to Python scalars, with NumPy 2.4",
        STOPS,
        _cannot_draw,
        _draw_scalar,
    ),
    Fix(
        "empty-clip",
        "paddlevideo.loader.pipelines.skeleton_pipeline",
        "loader/pipelines/skeleton_pipeline.py:282",
        "a clip without a person in it: received shape[3] is 0",
        STOPS,
        _needs_somebody,
        _give_zeros,
    ),
)
