"""Ten actions in five pairs of twins, so that no frame on its own says which of a pair it is.

A :class:`Motion` maps a phase to poses; an :class:`Action` is a motion and the course that its phase
takes in time. The two actions of a pair share their motion, hence every pose, and differ only in the
course, which runs backward: sit down / stand up. Whatever else varies (the holds before and after, the
pace, the duration) is drawn alike for both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ctrgcn_plugin.data.kinematics import ARM, LEG, Body, Pose, joint_positions, turn

FPS = 30
MIN_FRAMES, MAX_FRAMES = 30, 100


@dataclass(frozen=True)
class Style:
    """How a person moves.

    Attributes:
        left_handed: one-handed actions are mirrored.
        pace: 1 is average, 1.2 a fifth faster.
        vigour: scales how far the limbs swing.
        stoop: degrees that the trunk leans at rest.
        arm_spread: degrees between a hanging arm and the trunk.
    """

    left_handed: bool
    pace: float
    vigour: float
    stoop: float
    arm_spread: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Style:
        return cls(
            left_handed=bool(rng.random() < 0.25),
            pace=rng.uniform(0.85, 1.2),
            vigour=rng.uniform(0.85, 1.15),
            stoop=rng.uniform(0, 8),
            arm_spread=rng.uniform(6, 16),
        )


@dataclass(frozen=True)
class Actor:
    """What one person does: a pose in each of T frames, where (T,) metres to the right, and facing where.

    Attributes:
        heading: degrees to the left of facing the camera.
    """

    pose: Pose
    place: np.ndarray
    heading: float


@dataclass(frozen=True)
class Motion:
    """Poses as a function of a phase.

    Attributes:
        people: 1 or 2.
        seconds: average duration.
        act: (phase (T,), progress (T,) from 0 to 1 over the clip, one style for each person) -> actors.
    """

    people: int
    seconds: float
    act: Callable[[np.ndarray, np.ndarray, list[Style]], list[Actor]]


@dataclass(frozen=True)
class Action:
    """A labelled action: `course` takes the clip's progress (T,) to the phase (T,) of the motion."""

    name: str
    motion: Motion
    course: Callable[[np.ndarray, np.random.Generator], np.ndarray]


def perform(action: Action, bodies: list[Body], styles: list[Style], rng: np.random.Generator) -> list[np.ndarray]:
    """One performance, without a camera.

    Args:
        bodies: one for each person of the motion. `styles` likewise.

    Returns:
        (T, 25, 3) for each person, in metres: x right, y up from the floor, z away from a camera
        that looks at the scene from the front.
    """
    seconds = action.motion.seconds * rng.uniform(0.85, 1.15) / styles[0].pace
    progress = np.linspace(0, 1, int(np.clip(round(seconds * FPS), MIN_FRAMES, MAX_FRAMES)))
    actors = action.motion.act(action.course(progress, rng), progress, styles)
    return [_animate(actor, body, rng) for actor, body in zip(actors, bodies)]


def _animate(actor: Actor, body: Body, rng: np.random.Generator) -> np.ndarray:
    pose = Pose(_swayed(actor.pose.lean, 1.5, rng), _swayed(actor.pose.limbs, 3, rng))
    positions = turn(joint_positions(body, pose), actor.heading)
    positions[..., 0] += actor.place[:, None]
    return positions


def _swayed(angles: np.ndarray, degrees: float, rng: np.random.Generator) -> np.ndarray:
    """`angles` (T, ...) of someone alive: each drifts by some `degrees`, slowly."""
    shape = angles.shape[1:]
    frequency, phase = rng.uniform(0.2, 0.7, shape), rng.uniform(0, 1, shape)
    seconds = np.arange(len(angles)).reshape(-1, *[1] * len(shape)) / FPS
    return angles + degrees * rng.normal(0, 0.7, shape) * np.sin(2 * np.pi * (frequency * seconds + phase))


# ---- courses of the phase


def _ramp(progress: np.ndarray, start: float, stop: float) -> np.ndarray:
    """0 until `start`, 1 from `stop`, smooth between."""
    x = np.clip((progress - start) / (stop - start), 0, 1)
    return x * x * (3 - 2 * x)


def _onward(progress: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """0 to 1, between two short holds."""
    return _ramp(progress, rng.uniform(0.05, 0.25), rng.uniform(0.75, 0.95))


def _back(progress: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """1 to 0, the same shape run backward."""
    return 1 - _onward(progress, rng)


def _turns(low: float, high: float) -> Callable[[np.ndarray, np.random.Generator], np.ndarray]:
    """So many whole turns, from anywhere in the circle."""

    def course(progress: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(0, 1) + rng.uniform(low, high) * progress

    return course


# ---- key poses: (forward, outward) degrees of the upper and the lower segment of a limb

STANDING_LEG = ((3, 5), (-4, 3))
SEATED_LEG = ((84, 9), (-6, 4))
HANDS_ON_KNEES = ((28, 10), (62, -4))
HAND_RAISED = ((65, 50), (165, 5))
HANDS_AT_CHEST = ((-5, 18), (115, -8))
HANDS_OUT = ((78, 6), (86, 0))
ARMS_GIVING_WAY = ((35, 28), (60, 15))


def _at_rest(style: Style, frames: int) -> Pose:
    """Standing, arms hanging."""
    arm = ((4, style.arm_spread), (14, style.arm_spread / 2))
    both = np.array([arm, STANDING_LEG], dtype=float)
    return Pose(np.full(frames, style.stoop), np.tile(both, (frames, 2, 1, 1, 1)))


def _mix(start: np.ndarray, stop: np.ndarray, share: np.ndarray) -> np.ndarray:
    """From `start` to `stop` (both (T, ...) or broadcast to it) by a share (T,) of 0 to 1."""
    return start + (stop - start) * share.reshape(-1, *[1] * (start.ndim - 1))


# ---- motions


def _sit(phase: np.ndarray, progress: np.ndarray, styles: list[Style]) -> list[Actor]:
    """Standing at 0, seated at 1. One bends forward on the way, to stay in balance."""
    (style,) = styles
    rest = _at_rest(style, len(phase))
    lean = rest.lean + 32 * style.vigour * np.sin(np.pi * phase)
    limbs = _mix(rest.limbs, np.array([HANDS_ON_KNEES, SEATED_LEG], dtype=float), phase)
    return [Actor(Pose(lean, limbs), np.zeros_like(phase), heading=0)]


def _circle_arms(phase: np.ndarray, progress: np.ndarray, styles: list[Style]) -> list[Actor]:
    """Both arms swing through whole circles beside the body, phase in turns: up ahead, down behind."""
    (style,) = styles
    pose = _at_rest(style, len(phase))
    pose.limbs[:, :, ARM, :, 0] = (360 * phase)[:, None, None] + [0, 10]
    pose.limbs[:, :, ARM, :, 1] = [style.arm_spread + 8, style.arm_spread]
    return [Actor(pose, np.zeros_like(phase), heading=0)]


def _wave(phase: np.ndarray, progress: np.ndarray, styles: list[Style]) -> list[Actor]:
    """A hand hangs at 0 and is up at 1, where the forearm swings from side to side."""
    (style,) = styles
    pose = _at_rest(style, len(phase))
    raised = np.tile(np.array(HAND_RAISED, dtype=float), (len(phase), 1, 1))
    # Even about the middle of the clip: the same seen backward.
    raised[:, 1, 1] += 35 * style.vigour * np.cos(2 * np.pi * 5 * style.pace * (progress - 0.5))
    pose.limbs[:, 1, ARM] = _mix(pose.limbs[:, 1, ARM], raised, _ramp(phase, 0.2, 0.8))
    return [Actor(pose.mirrored() if style.left_handed else pose, np.zeros_like(phase), heading=0)]


def _push(phase: np.ndarray, progress: np.ndarray, styles: list[Style]) -> list[Actor]:
    """Hands at the chest and close together at 0; arms stretched and the other one moved off at 1."""
    first, second = (_at_rest(style, len(phase)) for style in styles)
    reach = np.array([HANDS_AT_CHEST, HANDS_OUT], dtype=float)
    first.limbs[:, :, ARM] = _mix(np.broadcast_to(reach[0], first.limbs[:, :, ARM].shape), reach[1], phase)
    first.lean[:] += 16 * phase
    stumble = np.sin(np.pi * phase)
    second.lean[:] -= 16 * styles[1].vigour * stumble
    second.limbs[:, :, ARM] = _mix(second.limbs[:, :, ARM], np.array(ARMS_GIVING_WAY, dtype=float), stumble)
    _stride(second, np.pi * phase, 20 * stumble)
    gap = 0.5 + 0.6 * phase
    return [Actor(first, np.full_like(phase, -0.35), heading=-90), Actor(second, gap - 0.35, heading=90)]


def _meet(phase: np.ndarray, progress: np.ndarray, styles: list[Style]) -> list[Actor]:
    """Two people face each other, far apart at 0 and at arm's length at 1, and walk between."""
    actors = []
    for sign, style in zip((-1, 1), styles):
        pose = _at_rest(style, len(phase))
        amplitude = 26 * style.vigour * (_ramp(phase, 0, 0.15) - _ramp(phase, 0.85, 1))
        _stride(pose, 2 * np.pi * (phase + 0.25 * sign), amplitude)
        actors.append(Actor(pose, sign * (1.55 - 1.1 * phase), heading=90 * sign))
    return actors


def _stride(pose: Pose, gait: np.ndarray, amplitude: np.ndarray) -> None:
    """Legs and arms swing: `gait` (T,) radians, one step in pi, `amplitude` (T,) degrees of the thighs. In place."""
    for side, shift in enumerate((0, np.pi)):
        swing = amplitude * np.sin(gait + shift)
        knee = 1.8 * amplitude * np.maximum(np.cos(gait + shift), 0) ** 2  # bent while the leg swings forward
        pose.limbs[:, side, LEG, :, 0] += np.stack([swing + 0.4 * knee, swing - 0.6 * knee], axis=-1)
        pose.limbs[:, side, ARM, :, 0] -= 0.7 * np.stack([swing, swing], axis=-1)


SIT = Motion(people=1, seconds=2.3, act=_sit)
CIRCLE_ARMS = Motion(people=1, seconds=2.4, act=_circle_arms)
WAVE = Motion(people=1, seconds=2.6, act=_wave)
PUSH = Motion(people=2, seconds=1.9, act=_push)
MEET = Motion(people=2, seconds=2.5, act=_meet)

# Twins stand together: 2k and 2k + 1.
ACTIONS: tuple[Action, ...] = (
    Action("sit down", SIT, _onward),
    Action("stand up", SIT, _back),
    Action("circle the arms forward", CIRCLE_ARMS, _turns(-2.6, -1.6)),  # over the top and down ahead
    Action("circle the arms backward", CIRCLE_ARMS, _turns(1.6, 2.6)),
    Action("start waving", WAVE, _onward),
    Action("stop waving", WAVE, _back),
    Action("push another person", PUSH, _onward),
    Action("pull another person", PUSH, _back),
    Action("walk toward each other", MEET, _onward),
    Action("back away from each other", MEET, _back),
)


def twins() -> list[tuple[int, int]]:
    """Labels of the actions that share a motion, pair by pair."""
    return [(label, label + 1) for label in range(0, len(ACTIONS), 2)]
