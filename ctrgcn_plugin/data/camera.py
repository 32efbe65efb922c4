"""What a depth camera makes of a scene: another view, jitter, guessed joints, lost frames."""

from __future__ import annotations

import re

import numpy as np

from ctrgcn_plugin.data.kinematics import JOINT, LAYOUT, SIDES, turn

# Degrees; the jitters are standard deviations.
YAWS = (-45.0, 0.0, 45.0)  # the three cameras of NTU RGB+D
YAW_JITTER = 6.0
PITCH, PITCH_JITTER = 6.0, 2.0  # the camera stands high and looks down

# Metres, standard deviation in each direction. Kinect v2 follows the trunk well and loses the ends of the limbs.
JITTER = {"shoulder": 0.006, "elbow": 0.008, "wrist": 0.010, "hand": 0.012, "hand_tip": 0.018, "thumb": 0.018}
JITTER |= {"hip": 0.005, "knee": 0.010, "ankle": 0.012, "foot": 0.018}
TRUNK_JITTER = 0.004

LIMBS = (("elbow", "wrist", "hand", "hand_tip", "thumb"), ("knee", "ankle", "foot"))
GUESS_CHANCE = 0.35  # of each limb on the far side, in each clip; half of it on the near side
LOSS_CHANCE = 0.3  # of each body, in each clip


def film(people: list[np.ndarray], view: int, rng: np.random.Generator) -> list[np.ndarray]:
    """The scene as one of the cameras records it.

    Args:
        people: (T, 25, 3) metres each, as :func:`~ctrgcn_plugin.data.actions.perform` gives them.
        view: index into :data:`YAWS`.

    Returns:
        (T', 25, 3) for each person, T' <= T. A person who is lost while another is seen is all zeros
        in those frames, as in NTU's files; everybody is present in the first and the last frame.
    """
    yaw = YAWS[view] + rng.normal(0, YAW_JITTER)
    pitch = np.radians(rng.normal(PITCH, PITCH_JITTER))
    tilt = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    recorded = []
    for positions in people:
        seen = turn(positions, yaw) @ tilt.T
        _guess_limbs(seen, rng)
        recorded.append(seen + rng.normal(0, 1, seen.shape) * _jitter()[:, None])
    return _lose_frames(recorded, rng)


def centre(people: list[np.ndarray]) -> list[np.ndarray]:
    """Moves the origin to the first person's spine in the first frame, as upstream's `seq_translation` does.

    Frames in which a person is lost stay zero.
    """
    origin = people[0][0, JOINT["spine_mid"]].copy()
    return [np.where(_present(positions)[:, None, None], positions - origin, 0) for positions in people]


def _present(positions: np.ndarray) -> np.ndarray:
    """(T,) bool: frames in which this body was tracked."""
    return (positions != 0).any(axis=(1, 2))


def _jitter() -> np.ndarray:
    """(25,) metres."""
    return np.array([JITTER.get(re.sub("^(left|right)_", "", joint), TRUNK_JITTER) for joint in LAYOUT.joints])


def _guess_limbs(positions: np.ndarray, rng: np.random.Generator) -> None:
    """Some limbs are hidden for a third of a second: the camera holds them still or guesses beside them. In place."""
    shoulders = positions[:, [JOINT[f"{side}_shoulder"] for side in SIDES], 2].mean(axis=0)
    for side, behind in zip(SIDES, (shoulders[0] > shoulders[1], shoulders[1] > shoulders[0])):
        for limb in LIMBS:
            if rng.random() < GUESS_CHANCE * (1 if behind else 0.5):
                joints = [JOINT[f"{side}_{name}"] for name in limb]
                frames = _stretch(len(positions), int(rng.integers(4, 13)), rng)
                if rng.random() < 0.5:
                    positions[frames, joints] = positions[frames.start, joints]
                else:
                    positions[frames, joints] += rng.normal(0, 0.05, (1, len(joints), 3))


def _lose_frames(people: list[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Bodies are lost for a few frames in the middle of their track.

    Upstream's SketeonCropSample takes the number of non-zero frames for the length of the clip, so a
    frame without anybody would cost one at the end. NTU's preparation drops such frames
    (get_raw_denoised_data.py, "missing frames"), and so do we: a lone body that is lost leaves a skip
    in time; of two, the lost one alone is zero.
    """
    lost = np.zeros((len(people), len(people[0])), dtype=bool)
    for track in lost:
        if rng.random() < LOSS_CHANCE:
            track[_stretch(len(track), int(rng.integers(1, 5)), rng)] = True
    kept = ~lost.all(axis=0)
    return [np.where(track[kept, None, None], 0, positions[kept]) for track, positions in zip(lost, people)]


def _stretch(frames: int, length: int, rng: np.random.Generator) -> slice:
    """Somewhere between the first and the last of `frames`."""
    start = int(rng.integers(1, frames - length))
    return slice(start, start + length)
