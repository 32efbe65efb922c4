"""Who is who from frame to frame: poses in pictures become persons over time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

import numpy as np

from ctrgcn_plugin.data import gaps
from ctrgcn_plugin.data.sources.own import People
from ctrgcn_plugin.data.sources.poses import Pose

LOST = gaps.LONGEST  # frames after which somebody who comes back is somebody new, until put together again
REACH = 1.0  # of a person's own size: how far one can get from one appearance to the next

Track = list[Pose]


def people(poses: Sequence[Pose], joints: int, persons: int, world: bool = False) -> People:
    """At most `persons` persons of all these poses, with who is there most and most surely first.

    Poses are put together to tracks, by the tool's own tracking if it has one that tells everybody in a frame apart,
    else from frame to frame by who is nearest. The tracks with the largest sum of confidence over their frames become
    the persons. A detector loses people and finds them again under another number, so each track goes on with the
    first person in whose frames nobody is yet.

    Args:
        poses: of a clip, each with at least one joint that was seen.
        joints: V.
        world: whether the poses' `world` are the positions; who is who is seen in the picture all the same.

    Returns:
        Positions (D, T, V, P), D = 3 in the world, else 2, and confidence (T, V, P), P <= `persons`; T up to the last
        frame with anybody in it.
    """
    ordered = sorted(poses, key=attrgetter("frame"))
    tracked, notes = _by_number(ordered)
    tracks = sorted(_by_place(ordered) if tracked is None else tracked, key=_weight, reverse=True)
    frames = ordered[-1].frame + 1 if ordered else 0
    clip = np.full((3 if world else 2, frames, joints, persons), np.nan)
    confidence = np.full((frames, joints, persons), np.nan)
    taken = np.zeros((persons, frames), bool)
    unplaced = 0
    for track in tracks:
        at = [pose.frame for pose in track]
        free = ~taken[:, at].any(axis=1)
        if not free.any():
            unplaced += len(track)
            continue
        person = int(free.argmax())
        taken[person, at] = True
        # what is indexed by lists comes first: (frames, D, V)
        clip[:, at, :, person] = np.stack([_position(pose, world) for pose in track]).transpose(0, 2, 1)
        confidence[at, :, person] = np.stack([pose.joints[:, 2] for pose in track])
    if unplaced:
        notes.append(f"{unplaced} poses of other persons left out")
    there = int(taken.any(axis=1).sum())
    return People(clip[..., :there], confidence[..., :there], notes)


def _position(pose: Pose, world: bool) -> np.ndarray:
    """(V, D)."""
    if not world:
        return pose.joints[:, :2]
    return np.full_like(pose.joints, np.nan) if pose.world is None else pose.world


def _by_number(poses: Sequence[Pose]) -> tuple[list[Track] | None, list[str]]:
    """Tracks by the numbers that a tool gave; None, and a note, if there are none that could be right."""
    tracks: dict[object, Track] = {}
    for pose in poses:
        if pose.track is None:
            return None, []
        track = tracks.setdefault(pose.track, [])
        if track and track[-1].frame == pose.frame:
            # what AlphaPose writes where it did not track: zero for everybody
            return None, ["track numbers that do not tell people apart ignored"]
        track.append(pose)
    return list(tracks.values()), []


def _by_place(poses: Sequence[Pose]) -> list[Track]:
    """Tracks in which each pose is the nearest to the one before, the nearest pairs of all first."""
    places, sizes = _extents(poses)
    # of poses by their numbers
    tracks: list[list[int]] = []
    live: list[list[int]] = []
    for frame, group in groupby(range(len(poses)), key=lambda number: poses[number].frame):
        found = list(group)
        live = [track for track in live if frame - poses[track[-1]].frame <= LOST]
        last = [track[-1] for track in live]
        between = np.linalg.norm(places[last][:, None] - places[found][None], axis=2)
        near = between <= REACH * np.maximum(sizes[last][:, None], sizes[found][None])
        pairs = np.argwhere(near)
        free = set(range(len(found)))
        waiting = set(range(len(live)))
        for old, new in pairs[np.argsort(between[near], kind="stable")].tolist():
            if old in waiting and new in free:
                waiting.remove(old)
                free.remove(new)
                live[old].append(found[new])
        started = [[found[new]] for new in sorted(free)]
        tracks += started
        live += started
    return [[poses[number] for number in track] for track in tracks]


def _extents(poses: Sequence[Pose]) -> tuple[np.ndarray, np.ndarray]:
    """Centres (N, 2), and sizes (N,): the diagonals of the boxes around the joints that were seen."""
    if not poses:
        return np.zeros((0, 2)), np.zeros(0)
    places = np.stack([pose.joints[:, :2] for pose in poses])
    return np.nanmean(places, axis=1), np.linalg.norm(np.nanmax(places, axis=1) - np.nanmin(places, axis=1), axis=1)


def _weight(track: Track) -> float:
    """The sum over its frames of the joints' mean confidence."""
    return float(sum(np.nansum(pose.joints[:, 2]) / len(pose.joints) for pose in track))
