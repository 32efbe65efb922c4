"""Who is who from frame to frame, and which frame of a clip a number means."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrgcn_plugin.data.sources import frames, tracks
from ctrgcn_plugin.data.sources.poses import Key, Pose
from ctrgcn_plugin.errors import ClipError

JOINTS = 3


def pose(frame: int, x: float, confidence: float = 0.5, track: Key | None = None) -> Pose:
    """Somebody at `x` whose box has a diagonal of 5."""
    joints = np.array([[x, 0, confidence], [x + 3, 4, confidence], [x, 4, confidence]])
    return Pose(frame, joints, track)


def first_x(poses: list[Pose], persons: int) -> list[list[float]]:
    """x of the first joint of each person over time; NaN as None."""
    positions = tracks.people(poses, JOINTS, persons).positions
    return [[None if np.isnan(x) else x for x in person] for person in positions[0, :, 0].T.tolist()]


def test_people_who_swap_places_in_the_list_are_followed() -> None:
    poses = [pose(0, 0), pose(0, 100), pose(1, 101), pose(1, 1), pose(2, 2), pose(2, 102)]
    assert first_x(poses, 2) == [[0, 1, 2], [100, 101, 102]]


def test_the_nearest_pair_comes_first() -> None:
    # the first of frame 1 is within reach of both; the second only of the one who is nearer to the first
    assert first_x([pose(0, 0), pose(0, 4), pose(1, 3), pose(1, -1)], 2) == [[0, -1], [4, 3]]


def test_who_is_there_most_and_most_surely_is_first() -> None:
    poses = [
        pose(0, 0, 0.9),
        pose(1, 0, 0.9),
        *(pose(t, 50, 0.5) for t in range(3)),
        *(pose(t, 90, 0.8) for t in range(3)),
    ]
    people = tracks.people(poses, JOINTS, 2)
    np.testing.assert_array_equal(people.positions[0, 0, 0], [90, 0])
    np.testing.assert_allclose(people.confidence[0, 0], [0.8, 0.9])
    assert people.notes == ["3 poses of other persons left out"]


def test_nobody_jumps_further_than_their_own_size() -> None:
    # in frame 3 only the second is seen, who is not the first elsewhere
    poses = [pose(t, 0) for t in (0, 1, 2, 4, 5, 6)] + [pose(t, 100) for t in (3, 4, 5, 6)]
    assert first_x(poses, 2) == [[0, 0, 0, None, 0, 0, 0], [None, None, None, 100, 100, 100, 100]]


@pytest.mark.parametrize("lost", [1, 3, tracks.LOST + 5])
def test_somebody_lost_and_found_goes_on_as_the_same_person(lost: int) -> None:
    poses = [pose(0, 0), pose(1, 0), pose(1 + lost, 40), pose(2 + lost, 40)]
    assert first_x(poses, 2) == [[0, 0] + [None] * (lost - 1) + [40, 40]]


def test_the_tools_own_numbers_are_used() -> None:
    # they cross at the same place: by place they would bounce
    poses = [pose(0, 0, track=1), pose(0, 4, track=2), pose(1, 4, track=1), pose(1, 0, track=2), pose(2, 5, track=1)]
    assert first_x(poses, 2) == [[0, 4, 5], [4, 0, None]]


@pytest.mark.parametrize("numbers", [(0, 0), (None, 1)], ids=["the same for all", "not for all"])
def test_numbers_that_tell_nobody_apart_are_not(numbers: tuple[Key | None, Key | None]) -> None:
    poses = [Pose(*pose(t, x)[:2], number) for t in range(3) for x, number in zip((0, 100), numbers)]
    assert first_x(poses, 2) == [[0, 0, 0], [100, 100, 100]]
    ignored = any("ignored" in note for note in tracks.people(poses, JOINTS, 2).notes)
    assert ignored == (numbers == (0, 0))


def test_nobody() -> None:
    assert tracks.people([], JOINTS, 1).positions.shape == (2, 0, JOINTS, 0)


places = st.lists(
    st.tuples(st.integers(0, 20), st.integers(-20, 20), st.sampled_from([0.25, 0.5])), min_size=1, max_size=30
)


@given(places, st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_every_pose_is_used_once_or_counted(found: list[tuple[int, int, float]], persons: int) -> None:
    people = tracks.people([pose(*one) for one in found], JOINTS, persons)
    used = [
        (t, x, people.confidence[t, 0, m])
        for m in range(people.positions.shape[3])
        for t, x in enumerate(people.positions[0, :, 0, m])
        if not np.isnan(x)
    ]
    left = sorted(found)
    for one in used:
        left.remove(one)
    assert sum(int(note.split()[0]) for note in people.notes) == len(left)
    # a person's place is left empty only if nobody could be there
    assert len(left) == 0 or people.positions.shape[3] == persons


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (7, 7),
        (-7, -7),
        ("12.jpg", 12),
        ("video_000000000012", 12),
        ("a7/frame12_rgb.png", 12),
        ("none.jpg", None),
        ("", None),
        (True, None),
        (1.0, None),
        (None, None),
        (10**20, None),
        ("1" * 20, None),
    ],
)
def test_numbers_of_frames(value: object, number: int | None) -> None:
    assert frames.number_of(value) == number


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([], {}),
        ([5], {5: 0}),
        ([3, 1, 2], {1: 0, 2: 1, 3: 2}),
        ([0, 1, 4], {0: 0, 1: 1, 4: 4}),
        ([10, 20, 40], {10: 0, 20: 1, 40: 3}),
    ],
)
def test_places_of_frames(numbers: list[int], expected: dict[int, int]) -> None:
    assert frames.places(numbers, Path("clip")) == expected


def test_numbers_that_are_none_of_frames() -> None:
    with pytest.raises(ClipError, match="clip.json has frames from 0 to 1000000000, more than"):
        frames.places([0, 1, 10**9], Path("clip.json"))
