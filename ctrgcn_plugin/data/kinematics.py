"""Forward kinematics of the 25 NTU joints: the angles of the limbs in, positions in metres out.

A segment (upper arm, forearm, thigh, shin) points along two angles in degrees. ``forward`` turns it
in the sagittal plane: 0 hangs down, 90 points ahead, 180 up, 270 behind. ``outward`` then tilts it
away from the body's middle. Both are taken against gravity and not against the parent segment, so an
arm hangs down however far the trunk leans, and every angle can be interpolated and can wind on past
360 without a jump.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ctrgcn_plugin import layouts

LAYOUT = layouts.get("ntu_rgb_d")
JOINT = {name: index for index, name in enumerate(LAYOUT.joints)}

SIDES = ("left", "right")
ARM, LEG = 0, 1  # third to last axis of Pose.limbs

# Length over stature, rounded from one adult of NTU RGB+D (the example clip that PaddleVideo ships).
PROPORTIONS = {
    "abdomen": 0.180,
    "chest": 0.135,
    "neck": 0.045,
    "head": 0.080,
    "clavicle": 0.090,
    "upper_arm": 0.160,
    "forearm": 0.138,
    "palm": 0.043,
    "thumb": 0.028,
    "fingers": 0.048,
    "pelvis": 0.047,
    "thigh": 0.212,
    "shin": 0.205,
    "foot": 0.067,
}
ANKLE_HEIGHT = 0.05  # over stature


@dataclass(frozen=True)
class Body:
    """The size of one person.

    Attributes:
        stature: metres.
        lengths: metres, by the names of :data:`PROPORTIONS`. Left and right are the same.
    """

    stature: float
    lengths: dict[str, float]

    @classmethod
    def random(cls, rng: np.random.Generator) -> Body:
        """An adult of 1.55 to 1.95 m whose proportions differ from the average by about 4 %."""
        stature = float(np.clip(rng.normal(1.72, 0.09), 1.55, 1.95))
        spread = np.clip(rng.normal(1, 0.04, len(PROPORTIONS)), 0.9, 1.1)
        return cls(stature, {name: share * stature * k for (name, share), k in zip(PROPORTIONS.items(), spread)})


class Pose(NamedTuple):
    """Angles in degrees, over T frames.

    Attributes:
        lean: (T,), how far the trunk leans forward.
        limbs: (T, 2, 2, 2, 2): side (left, right), limb (arm, leg), segment (upper, lower),
            angle (forward, outward).
    """

    lean: np.ndarray
    limbs: np.ndarray

    def mirrored(self) -> Pose:
        """Left and right exchanged."""
        return Pose(self.lean, self.limbs[:, ::-1])


def direction(forward: np.ndarray | float, outward: np.ndarray | float) -> np.ndarray:
    """Unit vectors (..., 3) of (outward, up, forward) for angles in degrees, see the module's docstring."""
    f, o = np.radians(forward), np.radians(outward)
    vectors = np.empty((*np.broadcast_shapes(np.shape(f), np.shape(o)), 3))
    vectors[..., 0] = np.sin(o)
    vectors[..., 1] = -np.cos(f) * np.cos(o)
    vectors[..., 2] = np.sin(f) * np.cos(o)
    return vectors


def joint_positions(body: Body, pose: Pose) -> np.ndarray:
    """A body that faces the camera, standing at the origin.

    The lower ankle is on the floor and the ankles' midpoint stays above the origin: that is what
    makes a body sink and move back when its knees bend, without a word about the pelvis.

    Returns:
        (T, 25, 3) metres: x to the body's right, y up from the floor, z behind the body.
    """
    at: dict[str, np.ndarray] = {"spine_base": np.zeros((len(pose.lean), 3))}
    _place_spine(at, body, pose)
    for side, sign in enumerate((-1, 1)):
        to_body = np.array([sign, 1, -1])  # (outward, up, forward) -> (right, up, back)
        _place_arm(at, body, pose.limbs[:, side, ARM], SIDES[side], to_body)
        _place_leg(at, body, pose.limbs[:, side, LEG], SIDES[side], to_body)
    positions = np.stack([at[name] for name in LAYOUT.joints], axis=1)
    ankles = positions[:, [JOINT["left_ankle"], JOINT["right_ankle"]]]
    foothold = ankles.mean(axis=1)
    foothold[:, 1] = ankles[..., 1].min(axis=1) - ANKLE_HEIGHT * body.stature
    return positions - foothold[:, None]


def turn(positions: np.ndarray, degrees: float) -> np.ndarray:
    """`positions` (..., 3) turned to their left, about the vertical axis through the origin."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return positions @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T


def _place_spine(at: dict[str, np.ndarray], body: Body, pose: Pose) -> None:
    for joint, parent, bone, bend in (
        ("spine_mid", "spine_base", "abdomen", 0.7),
        ("spine_shoulder", "spine_mid", "chest", 1.1),
        ("neck", "spine_shoulder", "neck", 1.0),
        ("head", "neck", "head", 0.6),  # one looks ahead when leaning
    ):
        upward = direction(180 - bend * pose.lean, 0) * [1, 1, -1]
        at[joint] = at[parent] + body.lengths[bone] * upward


def _place_arm(at: dict[str, np.ndarray], body: Body, arm: np.ndarray, side: str, to_body: np.ndarray) -> None:
    upper, lower = (direction(arm[:, i, 0], arm[:, i, 1]) for i in range(2))
    # The thumb is square to the forearm and to the body's width: ahead when the arm hangs, up when it points ahead.
    thumb = np.cross(lower, [1.0, 0, 0])
    thumb /= np.linalg.norm(thumb, axis=-1, keepdims=True)
    for joint, parent, bone, towards in (
        ("shoulder", "spine_shoulder", "clavicle", direction(0, 78)),
        ("elbow", f"{side}_shoulder", "upper_arm", upper),
        ("wrist", f"{side}_elbow", "forearm", lower),
        ("hand", f"{side}_wrist", "palm", lower),
        ("thumb", f"{side}_hand", "thumb", 0.6 * lower + 0.8 * thumb),
        ("hand_tip", f"{side}_hand", "fingers", lower),
    ):
        at[f"{side}_{joint}"] = at[parent] + body.lengths[bone] * towards * to_body


def _place_leg(at: dict[str, np.ndarray], body: Body, leg: np.ndarray, side: str, to_body: np.ndarray) -> None:
    for joint, parent, bone, towards in (
        ("hip", "spine_base", "pelvis", direction(0, 75)),
        ("knee", f"{side}_hip", "thigh", direction(leg[:, 0, 0], leg[:, 0, 1])),
        ("ankle", f"{side}_knee", "shin", direction(leg[:, 1, 0], leg[:, 1, 1])),
        ("foot", f"{side}_ankle", "foot", direction(70, 10)),
    ):
        at[f"{side}_{joint}"] = at[parent] + body.lengths[bone] * towards * to_body
