"""Keypoints of a clip in one JSON file, as COCO and most pose estimators write them.

========== ===================================================================================================
COCO       a list of ``{image_id, keypoints: [x, y, score, ...]}``, an entry for each person in each picture
           (https://cocodataset.org/#format-results); AlphaPose's are the same, with ``idx`` if it tracked
annotation the same list as ``annotations`` of an object, as in COCO's ground truth; with ``track_id`` in PoseTrack's
mmpose     a list, or ``instance_info`` of an object, of ``{frame_id, instances: [{keypoints: [[x, y], ...],
           keypoint_scores: [...]}, ...]}``, an entry for each picture
========== ===================================================================================================

Pictures are frames in the order of the numbers that ``image_id`` or ``frame_id`` are, or end with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ctrgcn_plugin.data.sources import frames, tracks
from ctrgcn_plugin.data.sources.own import OwnClips, People, files
from ctrgcn_plugin.data.sources.poses import Key, Pose, Recorded, load, member, numbers, seen, triples, upright
from ctrgcn_plugin.errors import ClipError
from ctrgcn_plugin.layouts import Layout

LISTS = ("annotations", "instance_info")
TRACKS = ("track_id", "idx")


class _Person(NamedTuple):
    """A person as written: `joints` (V, 3) with y downward."""

    joints: np.ndarray
    where: str
    track: Key | None


def source(raw: Path, *, labels: Path, layout: str, persons: int = 1, confidence: bool = False) -> OwnClips:
    """The ``.json`` files anywhere below `raw`."""
    return OwnClips(raw, labels, _files, _parse, layout, persons, confidence=confidence)


def _files(raw: Path) -> dict[str, Path]:
    return files(raw, {".json"})


def _parse(file: Path, layout: Layout, persons: int) -> People:
    return tracks.people(recorded(file, layout).poses, layout.num_joints, persons)


def recognises(content: Any) -> bool:
    """Whether what is in a JSON file looks like this format; a list without entries has nobody in it."""
    entries = content if isinstance(content, list) else _listed(content)
    if not isinstance(entries, list):
        return False
    return not entries or any(isinstance(entry, dict) and {"image_id", "frame_id"} & entry.keys() for entry in entries)


def _listed(content: Any) -> Any:
    """The entries of an object that has them."""
    return next((content[key] for key in LISTS if isinstance(content, dict) and key in content), None)


def recorded(file: Path, layout: Layout) -> Recorded:
    """Everybody in a file."""
    people_of: dict[int, list[_Person]] = {}
    names: dict[int, object] = {}
    for picture, people in _pictures(file):
        number = frames.number_of(picture)
        if number is None:
            raise ClipError(f"clip {file} has picture {picture!r:.40}, which is or has no frame number")
        if names.setdefault(number, picture) != picture:
            raise ClipError(
                f"clip {file} has pictures {names[number]!r:.40} and {picture!r:.40}, both frame {number}; "
                "give each clip a file"
            )
        people_of.setdefault(number, []).extend(people)
    return Recorded(
        seen(
            Pose(frame, upright(person.joints, layout, person.where), person.track)
            for number, frame in frames.places(people_of, file).items()
            for person in people_of[number]
        )
    )


def _pictures(file: Path) -> Iterator[tuple[object, Sequence[_Person]]]:
    """What the entries are about: a picture's number or name, and who is in it; a picture may have several entries."""
    content = load(file)
    key = next((key for key in LISTS if isinstance(content, dict) and key in content), LISTS[0])
    entries = content if isinstance(content, list) else member(content, key, list, f"clip {file}")
    for index, entry in enumerate(entries):
        where = f"{file}, entry {index} (from 0)"
        if isinstance(entry, dict) and "instances" in entry:
            instances = member(entry, "instances", list, where)
            yield (
                member(entry, "frame_id", int, where),
                [_instance(instance, f"{where}, instance {number}") for number, instance in enumerate(instances)],
            )
        else:
            joints = triples(member(entry, "keypoints", list, where), where)
            yield member(entry, "image_id", (int, str), where), [_Person(joints, where, _track(entry, where))]


def _instance(instance: object, where: str) -> _Person:
    """A person as mmpose writes it."""
    places = numbers(member(instance, "keypoints", list, where), where)
    scores = numbers(member(instance, "keypoint_scores", list, where), where)
    if places.shape != (len(scores), 2) or scores.ndim != 1:
        raise ClipError(f"{where} has keypoints of shape {places.shape} and scores of {scores.shape}; 2-D is needed")
    return _Person(np.column_stack([places, scores]), where, _track(instance, where))


def _track(entry: Any, where: str) -> Key | None:
    key = next((key for key in TRACKS if key in entry), None)
    track = entry[key] if key else None
    # AlphaPose's trackers write some numbers in a list
    while isinstance(track, list) and len(track) == 1:
        (track,) = track
    if track is not None and not isinstance(track, (int, float, str)):
        raise ClipError(f"{where} has no number or name as {key!r}")
    return track
