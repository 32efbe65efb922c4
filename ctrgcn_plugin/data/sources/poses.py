"""What pose estimators write: poses in pictures, in JSON, with a confidence for each joint."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Union

import numpy as np

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.sources.finishing import LARGEST
from ctrgcn_plugin.errors import ClipError, ConfigError, one_line
from ctrgcn_plugin.layouts import Layout

KINDS = {list: "a list", int: "a whole number", str: "a text", dict: "an object", float: "a number"}
Key = Union[int, float, str]


class Pose(NamedTuple):
    """One person in one frame.

    Attributes:
        frame: from 0.
        joints: (V, 3): x to the right, y upward, confidence; NaN for a joint that was not seen.
        track: who it is, by the tool that tracked it.
        world: (V, 3) of an estimator that knows it: x to the right, y upward, z away from the camera; NaN as in
            `joints`.
    """

    frame: int
    joints: np.ndarray
    track: Key | None = None
    world: np.ndarray | None = None


@dataclass(frozen=True)
class Recorded:
    """Everybody in a video.

    Attributes:
        poses: each with a joint that was seen, in the order of their frames.
        rate: frames a second; 0 where that is not known.
    """

    poses: Sequence[Pose]
    rate: float = 0.0

    @property
    def frames(self) -> int:
        """T, up to the last frame with anybody in it."""
        return self.poses[-1].frame + 1 if self.poses else 0

    @cached_property
    def _numbers(self) -> list[int]:
        return [pose.frame for pose in self.poses]

    def part(self, start: int, stop: int) -> Recorded:
        """The frames from `start` to before `stop`, as a video of their own."""
        first, last = (bisect_left(self._numbers, frame) for frame in (start, stop))
        return Recorded([pose._replace(frame=pose.frame - start) for pose in self.poses[first:last]], self.rate)


def load(file: Path) -> Any:
    """What is in a JSON file."""
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ClipError(f"clip {file} cannot be read as JSON: {one_line(error)}") from error


def member(entry: object, name: str, kinds: type | tuple[type, ...], where: str) -> Any:
    """``entry[name]``, which has to be of one of these kinds."""
    if not isinstance(entry, dict) or name not in entry:
        raise ClipError(f"{where} has no {name!r}")
    if not isinstance(entry[name], kinds):
        needed = " or ".join(KINDS[kind] for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
        raise ClipError(f"{where} has something else than {needed} as {name!r}")
    return entry[name]


def numbers(values: object, where: str) -> np.ndarray:
    """A list of numbers, or of lists of as many, as float64."""
    try:
        array = np.asarray(values)
    except (ValueError, OverflowError, RecursionError) as error:
        raise ClipError(f"{where} has keypoints that are no numbers: {one_line(error)}") from error
    if array.dtype.kind not in "fiu" and array.size:
        raise ClipError(f"{where} has keypoints that are no numbers")
    return array.astype(np.float64)


def triples(values: object, where: str) -> np.ndarray:
    """Keypoints that are written x, y, confidence, one after the other: (V, 3) float64."""
    array = numbers(values, where)
    if array.ndim != 1 or array.size % 3:
        raise ClipError(f"{where} has keypoints of shape {array.shape}; x, y and confidence of each joint are needed")
    return array.reshape(-1, 3)


def upright(joints: np.ndarray, layout: Layout, where: str) -> np.ndarray:
    """A pose as it is in the picture, (V, 3), as a :class:`Pose` has it.

    In a picture y points down, in all other data up. Estimators put a joint that they do not see at zero, with zero
    confidence; so does COCO's ground truth.
    """
    if len(joints) != layout.num_joints:
        fitting = " or ".join(layouts.with_joints(len(joints)))
        raise ClipError(
            f"{where} has {len(joints)} keypoints where layout {layout.name!r} has {layout.num_joints} joints"
            + (f"; {fitting} has as many" if fitting else "; give a layout with as many")
        )
    if (np.abs(joints) > LARGEST).any():
        raise ClipError(f"{where} has keypoints above {LARGEST:g}")
    pose = joints * (1, -1, 1)
    pose[np.isnan(pose).any(axis=1) | (pose[:, 2] <= 0)] = np.nan
    return pose


def image_size(text: str | None) -> tuple[float, float] | None:
    """Width and height of a picture, of a text like ``1920x1080``."""
    if text is None:
        return None
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise ConfigError(f"image size {text!r} is none; give width and height in pixels, like 1920x1080")
    return float(width), float(height)


def seen(poses: Iterable[Pose]) -> list[Pose]:
    """Those of which any joint was seen."""
    return [pose for pose in poses if not np.isnan(pose.joints).all()]
