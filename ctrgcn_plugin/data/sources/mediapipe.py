"""Landmarks of MediaPipe's Pose Landmarker in one JSON file for each clip.

A list of results, one for each frame, or an object that has them as ``frames`` and perhaps knows the ``width`` and
``height`` of the picture and the ``fps`` of the video. A result is what MediaPipe gives, as JSON:

============= ======================================================================================================
Python tasks  ``{pose_landmarks: [[{x, y, z, visibility}, ...]], pose_world_landmarks: ...}``, a list of each person:
              ``PoseLandmarkerResult`` by ``dataclasses.asdict``
web tasks     the same as ``landmarks`` and ``worldLandmarks``
solutions     one person, ``{pose_landmarks: {landmark: [...]}}`` by protobuf's ``MessageToDict``, or ``poseLandmarks``
============= ======================================================================================================

(https://ai.google.dev/edge/mediapipe/solutions/vision/pose_landmarker/python, and ``landmark.proto`` in
``mediapipe/framework/formats``.) Landmarks are shares of the picture's width and height, so that bodies have their
proportions only together with its size. World landmarks are metres from the middle of each person's own hips. In both
y points downward.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ctrgcn_plugin.data.sources import frames, tracks
from ctrgcn_plugin.data.sources.finishing import LARGEST
from ctrgcn_plugin.data.sources.own import OwnClips, People, files
from ctrgcn_plugin.data.sources.poses import Pose, Recorded, image_size, load, member, numbers, seen, upright
from ctrgcn_plugin.data.units import METRES
from ctrgcn_plugin.errors import ClipError
from ctrgcn_plugin.layouts import Layout

LAYOUT = "mediapipe_pose"
IN_PICTURE = ("pose_landmarks", "landmarks", "poseLandmarks")
IN_WORLD = ("pose_world_landmarks", "worldLandmarks", "poseWorldLandmarks")

Size = tuple[float, float]


class Header(NamedTuple):
    """What a file says of its video: the size of its picture, in pixels, and frames a second, 0 if it does not."""

    size: Size | None
    rate: float


def source(
    raw: Path,
    *,
    labels: Path,
    image_size: str | None = None,
    world: bool = False,
    persons: int = 1,
    confidence: bool = False,
) -> OwnClips:
    """The ``.json`` files anywhere below `raw`.

    Args:
        image_size: of all pictures, as ``1920x1080``; for files that do not say theirs.
        world: take the 3-D world landmarks, not those in the picture.
    """
    parse = partial(_parse, size=image_size, world=world)
    dimensions = 3 if world else 2
    return OwnClips(raw, labels, _files, parse, LAYOUT, persons, dimensions, confidence, METRES)


def _files(raw: Path) -> dict[str, Path]:
    return files(raw, {".json"})


def _parse(file: Path, layout: Layout, persons: int, *, size: str | None, world: bool) -> People:
    poses = recorded(file, layout, image_size(size), world=world).poses
    return tracks.people(poses, layout.num_joints, persons, world)


def recognises(content: Any) -> bool:
    """Whether what is in a JSON file looks like this format."""
    results = content.get("frames") if isinstance(content, dict) else content
    keys = {*IN_PICTURE, *IN_WORLD}
    return isinstance(results, list) and any(isinstance(result, dict) and keys & result.keys() for result in results)


def recorded(file: Path, layout: Layout, size: Size | None = None, *, world: bool = False) -> Recorded:
    """Everybody in a file.

    Args:
        size: of the picture, for a file that does not say it.
        world: whether the places in the world are wanted; without them, the size has to be known.
    """
    content = load(file)
    where = f"clip {file}"
    header = header_of(content, where) if isinstance(content, dict) else Header(None, 0.0)
    results = content if isinstance(content, list) else member(content, "frames", list, where)
    size = header.size or size
    if size is None and not world:
        raise ClipError(f"{where} does not say the width and height of its picture; give them with --image_size")
    if len(results) > frames.MOST:
        raise ClipError(f"{where} has {len(results)} frames, more than {frames.MOST}")
    poses: list[Pose] = []
    for frame, result in enumerate(results):
        poses += poses_in(result, frame, size or (1.0, 1.0), layout, f"{file}, frame {frame} (from 0)")
    return Recorded(poses, header.rate)


def header_of(content: dict[str, Any], where: str) -> Header:
    """The header that an object has."""
    known = [member(content, key, (int, float), where) if key in content else 0 for key in ("width", "height", "fps")]
    if not all(0 <= value < LARGEST for value in known):
        raise ClipError(f"{where} has a width, height or fps that cannot be")
    width, height, rate = map(float, known)
    return Header((width, height) if width and height else None, rate)


def poses_in(result: object, frame: int, size: Size, layout: Layout, where: str) -> list[Pose]:
    """The persons of one result."""
    if result is None:
        return []
    if not isinstance(result, dict):
        raise ClipError(f"{where} is no result of a pose landmarker")
    pictured, placed = (_people(result, keys, where) for keys in (IN_PICTURE, IN_WORLD))
    if placed and len(placed) != len(pictured):
        raise ClipError(f"{where} has {len(pictured)} persons in the picture and {len(placed)} in the world")
    poses = []
    for index, person in enumerate(pictured):
        name = f"{where}, person {index}"
        landmarks = _landmarks(person, name)
        joints = upright(landmarks[:, [0, 1, 3]] * (*size, 1), layout, name)
        world = None
        if placed:
            world = _landmarks(placed[index], name)[:, :3] * (1, -1, 1)
            if world.shape != joints.shape:
                raise ClipError(f"{name} has {len(joints)} landmarks in the picture and {len(world)} in the world")
            world[np.isnan(joints).any(axis=1)] = np.nan
        poses.append(Pose(frame, joints, world=world))
    return seen(poses)


def _people(result: dict[str, Any], keys: tuple[str, ...], where: str) -> list[Any]:
    """The lists of landmarks, one for each person, that a result has under the first of these keys."""
    value: Any = next((result[key] for key in keys if result.get(key)), [])
    people = value if isinstance(value, list) and not _is_person(value) else [value]
    lists = [person.get("landmark") if isinstance(person, dict) else person for person in people]
    if not all(isinstance(person, list) for person in lists):
        raise ClipError(f"{where} has something else than lists of landmarks")
    return [person for person in lists if person]


def _is_person(value: list[Any]) -> bool:
    return all(isinstance(landmark, dict) and "landmark" not in landmark for landmark in value)


def _landmarks(person: list[Any], where: str) -> np.ndarray:
    """(V, 4): x, y, z, visibility; what a landmark does not say of the last two is 0 and 1."""
    return numbers(list(_quadruples(person, where)), where).reshape(-1, 4)


def _quadruples(person: list[Any], where: str) -> Iterator[list[float]]:
    for index, landmark in enumerate(person):
        x, y = (member(landmark, key, (int, float), f"{where}, landmark {index}") for key in "xy")
        z, visibility = landmark.get("z"), landmark.get("visibility")
        yield [x, y, 0.0 if z is None else z, 1.0 if visibility is None else visibility]
