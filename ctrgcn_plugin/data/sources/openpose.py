"""OpenPose's JSON: a folder for each clip, in it a file for each frame.

OpenPose's documentation, ``doc/02_output.md``: ``people`` is a list, in no particular order, of objects whose
``pose_keypoints_2d`` (``pose_keypoints`` before version 1.2) is x, y, confidence of each joint; a joint that was not
found is three zeros.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from ctrgcn_plugin.data.sources import frames, tracks
from ctrgcn_plugin.data.sources.own import OwnClips, People
from ctrgcn_plugin.data.sources.poses import Pose, Recorded, load, member, seen, triples, upright
from ctrgcn_plugin.errors import ClipError, ConfigError
from ctrgcn_plugin.layouts import Layout

ENDING = "_keypoints.json"
KEYS = ("pose_keypoints_2d", "pose_keypoints")
LAYOUTS = {18: "openpose", 25: "body_25"}  # of OpenPose's models COCO and BODY_25


def source(
    raw: Path, *, labels: Path, layout: str | None = None, persons: int = 1, confidence: bool = False
) -> OwnClips:
    """The clip folders anywhere below `raw`. Without `layout`, that of the model which OpenPose used."""
    clips = OwnClips(raw, labels, _folders, _parse, layout or "", persons, confidence=confidence)
    return clips if layout else replace(clips, layout=_layout_of(clips))


def _layout_of(clips: OwnClips) -> str:
    joints = clips.first(_joints_in)
    if joints not in LAYOUTS:
        there = f"a person has {joints} keypoints" if joints else "nobody is in any clip"
        models = " and ".join(f"{number} ({name})" for number, name in LAYOUTS.items())
        raise ConfigError(f"{clips.raw}: {there}; OpenPose's models have {models}. Name a layout if it is another")
    return LAYOUTS[joints]


def _joints_in(folder: Path) -> int | None:
    """How many joints the first person in a clip has."""
    return next((len(joints) for _, joints, _ in _people(folder)), None)


def _folders(raw: Path) -> dict[str, Path]:
    folders = {file.parent for file in raw.rglob(f"*{ENDING}") if file.parent != raw}
    return {folder.relative_to(raw).as_posix(): folder for folder in sorted(folders)}


def _parse(folder: Path, layout: Layout, persons: int) -> People:
    return tracks.people(recorded(folder, layout).poses, layout.num_joints, persons)


def recorded(folder: Path, layout: Layout) -> Recorded:
    """Everybody in a folder of frames."""
    return Recorded(seen(Pose(frame, upright(joints, layout, where)) for frame, joints, where in _people(folder)))


def _people(folder: Path) -> Iterator[tuple[int, np.ndarray, str]]:
    """Each person in each frame: the frame, from 0; joints as they are in the picture (V, 3); where that is written."""
    numbered: dict[int, Path] = {}
    for file in sorted(folder.glob(f"*{ENDING}")):
        number = frames.number_of(file.name[: -len(ENDING)])
        if number is None:
            raise ClipError(f"{file} has no frame number before {ENDING}")
        if number in numbered:
            raise ClipError(f"{file} is frame {number}, and so is {numbered[number].name}; give each clip a folder")
        numbered[number] = file
    for number, frame in frames.places(numbered, folder).items():
        file = numbered[number]
        for index, person in enumerate(member(load(file), "people", list, f"clip {file}")):
            where = f"{file}, person {index} (from 0)"
            key = next((key for key in KEYS if isinstance(person, dict) and key in person), KEYS[0])
            values = member(person, key, list, where)
            # empty where only hands or faces were looked for
            if values:
                yield frame, triples(values, where), where
