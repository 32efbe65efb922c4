"""Keypoints as Ultralytics' pose models write them.

.json
    One file for each clip: a list with ``Results.to_json()`` of each frame, ``[{name, class, confidence, box,
    track_id, keypoints: {x: [...], y: [...], visible: [...]}}, ...]`` for the persons in it, in pixels.
.txt
    A folder for each clip with what ``save_txt`` writes, a file for each frame, its number last in the name:
    ``class x y w h``, then x, y and confidence of each joint, as shares of the picture's width and height, then with
    ``save_conf`` a confidence, then with tracking a number. A frame without anybody has no file.

(``Results.summary`` and ``Results.save_txt`` in ``ultralytics/engine/results.py``.) A joint that is not sure enough
lies at zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ctrgcn_plugin.data.sources import frames, tracks
from ctrgcn_plugin.data.sources.own import OwnClips, People, files
from ctrgcn_plugin.data.sources.poses import Pose, Recorded, image_size, load, member, numbers, seen, upright
from ctrgcn_plugin.errors import ClipError, one_line
from ctrgcn_plugin.layouts import Layout

LAYOUT = "coco"
BOX = 5  # class x y w h

Size = tuple[float, float]


def source(
    raw: Path,
    *,
    labels: Path,
    layout: str = LAYOUT,
    image_size: str | None = None,
    persons: int = 1,
    confidence: bool = False,
) -> OwnClips:
    """The ``.json`` files, and the folders of ``.txt`` files, anywhere below `raw`.

    Args:
        image_size: of all pictures, as ``1920x1080``; ``.txt`` files need it.
    """
    return OwnClips(raw, labels, _clips, partial(_parse, size=image_size), layout, persons, confidence=confidence)


def _clips(raw: Path) -> dict[str, Path]:
    folders = sorted({file.parent for file in raw.rglob("*.txt") if file.parent != raw})
    return {**files(raw, {".json"}), **{folder.relative_to(raw).as_posix(): folder for folder in folders}}


def _parse(path: Path, layout: Layout, persons: int, *, size: str | None) -> People:
    return tracks.people(recorded(path, layout, image_size(size)).poses, layout.num_joints, persons)


def recognises(content: Any) -> bool:
    """Whether what is in a JSON file looks like this format."""
    pictures = [picture for picture in content if isinstance(picture, list)] if isinstance(content, list) else []
    found = [person.get("keypoints") for picture in pictures for person in picture if isinstance(person, dict)]
    return any(isinstance(keypoints, dict) for keypoints in found)


def recorded(path: Path, layout: Layout, size: Size | None = None) -> Recorded:
    """Everybody in a file, or in a folder of frames; `size` is that of the picture."""
    people = _in_texts(path, layout, size) if path.is_dir() else _in_json(path, size)
    return Recorded(seen(Pose(frame, upright(joints, layout, where), track) for frame, joints, track, where in people))


# frame, from 0; joints as they are in the picture (V, 3); number of the track; where that is written
_Found = Iterator[tuple[int, np.ndarray, "int | None", str]]


def _in_json(file: Path, size: Size | None) -> _Found:
    pictures = load(file)
    if not isinstance(pictures, list) or not all(isinstance(picture, list) for picture in pictures):
        raise ClipError(f"clip {file} is no list with a list of the persons in each frame")
    if len(pictures) > frames.MOST:
        raise ClipError(f"clip {file} has {len(pictures)} frames, more than {frames.MOST}")
    for frame, picture in enumerate(pictures):
        for index, person in enumerate(picture):
            where = f"{file}, frame {frame}, person {index} (from 0)"
            keypoints = member(person, "keypoints", dict, where)
            columns = [numbers(member(keypoints, key, list, where), where) for key in "xy"]
            # a model without visibility has none of them
            known = "visible" in keypoints
            columns.append(numbers(member(keypoints, "visible", list, where), where) if known else _ones(columns[0]))
            if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1:
                raise ClipError(f"{where} has keypoints whose x, y and visible are not as many")
            track = member(person, "track_id", int, where) if "track_id" in person else None
            joints = np.stack(columns, axis=1)
            # where to_json was asked to normalise
            shares = joints.size and np.abs(joints[:, :2]).max() <= 1
            yield frame, _in_pixels(joints, size, file) if shares else _without_unsure(joints), track, where


def _in_texts(folder: Path, layout: Layout, size: Size | None) -> _Found:
    numbered: dict[int, Path] = {}
    for file in sorted(folder.glob("*.txt")):
        number = frames.number_of(file.name)
        if number is None or number in numbered:
            known = "no frame number" if number is None else f"the frame number of {numbered[number].name}"
            raise ClipError(f"{file} has {known} in its name; give each clip a folder")
        numbered[number] = file
    for number, frame in frames.places(numbered, folder).items():
        try:
            lines = numbered[number].read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ClipError(f"{numbered[number]} cannot be read as text: {one_line(error)}") from error
        for index, line in enumerate(lines, start=1):
            where = f"{numbered[number]}, line {index}"
            joints, track = _of_line(line, layout.num_joints, where)
            yield frame, _in_pixels(joints, size, folder), track, where


def _of_line(line: str, joints: int, where: str) -> tuple[np.ndarray, int | None]:
    """A person's joints (V, 3), and the number of the track where it is certain."""
    try:
        values = np.array([float(word) for word in line.split()])
    except ValueError as error:
        raise ClipError(f"{where} has something else than numbers") from error
    for columns in (3, 2):
        more = len(values) - BOX - columns * joints
        if 0 <= more <= 2:
            points = values[BOX : BOX + columns * joints].reshape(joints, columns)
            # one value more may be a confidence as well
            track = int(values[-1]) if more == 2 and values[-1].is_integer() else None
            return np.column_stack([points[:, :2], points[:, 2] if columns == 3 else _ones(points[:, 0])]), track
    raise ClipError(f"{where} has {len(values)} numbers; {BOX} and x, y, confidence of {joints} joints are needed")


def _in_pixels(joints: np.ndarray, size: Size | None, path: Path) -> np.ndarray:
    """Joints (V, 3) that are shares of a picture."""
    seen_joints = _without_unsure(joints)
    if size is None and seen_joints[:, 2].any():
        raise ClipError(f"clip {path} has shares of a picture's width and height; give those with --image_size")
    return seen_joints * (*(size or (1.0, 1.0)), 1)


def _ones(column: np.ndarray) -> np.ndarray:
    return np.ones(column.shape)


def _without_unsure(joints: np.ndarray) -> np.ndarray:
    """Joints that lie at zero are not seen, whatever their confidence says."""
    joints[~joints[:, :2].any(axis=1), 2] = 0
    return joints
