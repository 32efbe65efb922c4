"""Pose estimators: a video in, everybody in it out. The table of them; a module of this package is one."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Optional

from ctrgcn_plugin.data.footage import Keypoints, Needs
from ctrgcn_plugin.errors import ClipError, unknown
from ctrgcn_plugin.pose.estimator import Estimator

DEFAULT = "mediapipe"
# name -> module of this package, whose `estimator(**options)` makes one
ESTIMATORS: Mapping[str, str] = {"mediapipe": "mediapipe"}

__all__ = ["DEFAULT", "ESTIMATORS", "Estimator", "footage", "get"]


def get(name: str = DEFAULT, *, python: str = "", model: Optional[Path] = None, persons: int = 1) -> Estimator:
    """An estimator.

    Args:
        name: a key of :data:`ESTIMATORS`.
        python: the interpreter that has the estimator's library; by default this one.
        model: file of weights, for an estimator that can take another one.
        persons: how many to look for.

    Raises:
        ConfigError: there is none of this name.
    """
    if name not in ESTIMATORS:
        raise unknown("pose estimator", name, ESTIMATORS)
    module = importlib.import_module(f"ctrgcn_plugin.pose.{ESTIMATORS[name]}")
    return module.estimator(python=python, model=model, persons=persons)


def footage(estimator: Estimator, video: Path, needs: Needs, keep: Optional[Path] = None) -> Keypoints:
    """A video as a model can be shown it; what does not fit is refused before anything is estimated.

    Args:
        keep: a file that gets the keypoints.

    Raises:
        ClipError: the model takes other joints, or the video cannot be read.
        EnvironmentSetupError: the estimator cannot run.
    """
    if not video.is_file():
        raise ClipError(f"no video at {video}")
    world = needs.in_world(f"video {video} ({estimator.name})", estimator.world)
    layout = needs.skeleton()
    if layout.name != estimator.layout:
        raise ClipError(
            f"video {video}: {estimator.name} finds joints of layout {estimator.layout}; the model takes {needs}: "
            f"give keypoints of {layout.name} with --input, or a model trained on {estimator.layout}"
        )
    return Keypoints(str(video), estimator.recorded(video, keep), needs, world)
