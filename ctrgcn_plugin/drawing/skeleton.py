"""What is drawn of a clip, whatever draws it: points as a viewer sees them, bones, colours, limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Optional

import numpy as np

from ctrgcn_plugin.data.units import DOWNWARD, HALF_IMAGES, PLANE
from ctrgcn_plugin.environment import require_library
from ctrgcn_plugin.errors import ClipError
from ctrgcn_plugin.layouts import Layout

# Okabe and Ito's colours, which colour-blind people tell apart; one for each person.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
# A limb is a shade of the person's colour: (towards which grey, how far). A finger is a limb of a hand.
FINGERS = {
    "thumb": (0.0, 0.65),
    "index": (0.0, 0.35),
    "middle": (0.0, 0.0),
    "ring": (1.0, 0.35),
    "pinky": (1.0, 0.6),
}
SHADES = {"trunk": (0.0, 0.45), "right": (0.0, 0.0), "left": (1.0, 0.5), **FINGERS}
IMPORTANCE_MAP = "viridis"  # of matplotlib; even in lightness, and the same to colour-blind people
IMPORTANCE_STEPS = (0.0, 0.5, 1.0)  # in a legend
PALE = 0.55  # how far bones go towards white where joints are coloured by importance

# Degrees. From a little above and beside the camera, an arm that points at it is not a dot.
VIEW_YAW, VIEW_PITCH = 25.0, 12.0
MARGIN = 0.06  # of the larger extent of all that is drawn

# Half images are half a width across and half a height down. No data set notes the image's size; in this shape of
# image (NTU RGB+D's, and most videos') people have their proportions.
WIDTH_TO_HEIGHT = 16 / 9
# Kinect's x points to its own left. In the layouts of these tools it points to the right of the image.
RIGHTWARD = ("hand", "mediapipe_pose", "shrec")


class Bone(NamedTuple):
    """Two joints and the limb they belong to: a key of :data:`SHADES`."""

    joint: int
    parent: int
    limb: str


class Entry(NamedTuple):
    """A line of a legend: what a limb of somebody is called."""

    name: str
    person: int
    limb: str


@dataclass(frozen=True, eq=False)
class Skeletons:
    """The people in a clip.

    Attributes:
        points: (T, M, V, 3) float64: to the right, upward, and toward who looks at the picture, from the camera's
            place; NaN where nothing is to be drawn. The last frame shows somebody.
        layout: of the V joints.
        dimensions: 2 or 3; in a plane the third coordinate is zero.
        importance: (V,) from 0 to 1, if joints are to be coloured by it.
    """

    points: np.ndarray
    layout: Layout
    dimensions: int
    importance: Optional[np.ndarray] = field(default=None)

    @classmethod
    def of(
        cls, clip: np.ndarray, layout: Layout, *, unit: str = "", importance: Optional[np.ndarray] = None
    ) -> Skeletons:
        """What is to be drawn of a clip.

        A joint with a NaN is not seen. A person all of whose seen joints are at zero is not there. Frames after the
        last that shows anybody are left out.

        Args:
            clip: (C, T, V, M). C = 2: x to the right, y up, or down by the unit. C = 3: as the Kinect has it, x to the
                right of a person who faces the camera, y up, z away from the camera; or 2-D with a confidence, see
                :func:`has_confidence`.
            layout: names the V joints.
            unit: of the coordinates, as a data set's card has it; some have axes of their own.
            importance: (V,).

        Raises:
            ClipError: the clip cannot be drawn with this layout, or nobody is in it.
        """
        clip = np.asarray(clip)
        _check(clip, layout)
        positions = clip[:2] if has_confidence(clip, layout, unit) else clip
        points = np.moveaxis(positions, 0, -1).swapaxes(1, 2).astype(float)
        seen = np.isfinite(points).all(axis=-1)
        there = (seen & points.any(axis=-1)).any(axis=-1)  # (T, M)
        if not there.any():
            raise ClipError("cannot draw a clip that is all zeros or gaps: nobody is in it")
        points[~(seen & there[..., None])] = np.nan
        length = int(np.flatnonzero(there.any(axis=1))[-1]) + 1
        drawn = _as_seen(points[:length], layout, unit)
        return cls(drawn, layout, len(positions), _checked_importance(importance, layout))

    @property
    def spatial(self) -> bool:
        return self.dimensions == 3

    @property
    def frames(self) -> int:
        return len(self.points)

    @cached_property
    def present(self) -> np.ndarray:
        """(T, M) bool: who is to be drawn when."""
        return np.isfinite(self.points[..., 0]).any(axis=-1)

    @cached_property
    def persons(self) -> list[int]:
        """Who is there at any time."""
        return np.flatnonzero(self.present.any(axis=0)).tolist()

    @cached_property
    def bones(self) -> list[Bone]:
        return [Bone(joint, parent, limb_of(joint, self.layout)) for joint, parent in self.layout.bones]

    @property
    def limbs(self) -> list[str]:
        """Those that there are, in the order of a legend."""
        there = {bone.limb for bone in self.bones}
        return [limb for limb in SHADES if limb in there]

    def legend(self) -> list[Entry]:
        """An entry for each limb of each person, limb by limb."""
        limbs, people = self.limbs, self.persons
        # a hand has no trunk
        names = {"trunk": "palm"} if set(limbs) & set(FINGERS) else {}
        return [
            Entry(f"person {person + 1}, {name}" if len(people) > 1 else name, person, limb)
            for limb, name in ((limb, names.get(limb, limb)) for limb in limbs)
            for person in people
        ]

    @property
    def head(self) -> Optional[int]:
        """The joint that is drawn as a head, if there is one."""
        return self.layout.joints.index("head") if "head" in self.layout.joints else None

    @property
    def view(self) -> tuple[float, float]:
        """Yaw and pitch in degrees that a clip is first seen from; a plane is seen from the front."""
        return (VIEW_YAW, VIEW_PITCH) if self.spatial else (0.0, 0.0)

    def seen(self) -> np.ndarray:
        """The points from there: (T, M, V, 3)."""
        return turned(self.points, *self.view)


def has_confidence(clip: np.ndarray, layout: Layout, unit: str = "") -> bool:
    """Whether the third coordinate of a clip is an estimator's confidence, by its unit, else by the layout's usage."""
    return len(clip) == 3 and (unit in PLANE or layout.dimensions == 2 and could_be_confidence(clip[2]))


def could_be_confidence(values: np.ndarray) -> bool:
    """Whether all of them are in [0, 1], but for gaps."""
    return bool(((values >= 0) & (values <= 1) | np.isnan(values)).all())


def limb_of(joint: int, layout: Layout) -> str:
    """The limb that the bone from a joint to its parent belongs to, by the layout's pairs, else by the joint's name."""
    for left, right in layout.mirror:
        if joint in (left, right):
            return "left" if joint == left else "right"
    beginning = layout.joints[joint].split("_")[0]
    return beginning if beginning in SHADES else "trunk"


def turned(points: np.ndarray, yaw: float, pitch: float) -> np.ndarray:
    """Points (..., 3) for somebody who has gone round them by `yaw` degrees and then up by `pitch`."""
    c, s = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
    points = points @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T
    c, s = np.cos(np.radians(pitch)), np.sin(np.radians(pitch))
    return points @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]]).T


def limits(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper corner, (2,) each, of a box around `points` (..., 3) with some air."""
    flat = points.reshape(-1, points.shape[-1])[:, :2]
    low, high = np.nanmin(flat, axis=0), np.nanmax(flat, axis=0)
    air = MARGIN * max(float((high - low).max()), 1e-6)
    return low - air, high + air


def colour_of(person: int) -> str:
    """As ``#rrggbb``."""
    return COLOURS[person % len(COLOURS)]


def shade(colour: str, limb: str) -> tuple[float, float, float]:
    """RGB, 0 to 1, of a limb of somebody with this colour."""
    grey, share = SHADES[limb]
    return mixed(colour, grey, share)


def mixed(colour: str, grey: float, share: float) -> tuple[float, float, float]:
    """RGB, 0 to 1, of ``#rrggbb`` moved towards a grey."""
    red, green, blue = ((1 - share) * int(colour[i : i + 2], 16) / 255 + share * grey for i in (1, 3, 5))
    return red, green, blue


def importance_colours(values: np.ndarray) -> list[str]:
    """``#rrggbb`` of each of (V,) values from 0 to 1."""
    colors = require_library("matplotlib.colors", "plot", "colouring joints")
    colour_map = require_library("matplotlib", "plot", "colouring joints").colormaps[IMPORTANCE_MAP]
    return [colors.to_hex(colour_map(float(value))) for value in values]


def _check(clip: np.ndarray, layout: Layout) -> None:
    if clip.ndim != 4 or clip.shape[0] not in (2, 3) or clip.dtype.kind not in "fiu":
        raise ClipError(
            f"cannot draw a clip of shape {clip.shape} of {clip.dtype}: it takes numbers (C, T, V, M) with C = 2 or 3"
        )
    if clip.shape[2] != layout.num_joints:
        raise ClipError(
            f"cannot draw a clip of {clip.shape[2]} joints with layout {layout.name!r}, which has {layout.num_joints}"
        )
    if np.isinf(clip).any():
        frame = int(np.isinf(clip).any(axis=(0, 2, 3)).argmax())
        raise ClipError(f"cannot draw a clip that is not finite: the first infinite value is in frame {frame} (from 0)")


def _checked_importance(importance: Optional[np.ndarray], layout: Layout) -> Optional[np.ndarray]:
    if importance is None:
        return None
    values = np.asarray(importance, dtype=float)
    if values.shape != (layout.num_joints,) or not ((values >= 0) & (values <= 1)).all():
        raise ClipError(
            f"cannot colour joints by importance of shape {values.shape}: "
            f"layout {layout.name!r} takes {layout.num_joints} values from 0 to 1"
        )
    return values


def _as_seen(points: np.ndarray, layout: Layout, unit: str) -> np.ndarray:
    """Coordinates (T, M, V, C) as the data have them -> (T, M, V, 3) as :class:`Skeletons` does."""
    downward = -1 if unit in DOWNWARD else 1
    if points.shape[-1] == 3:
        return points * [1 if layout.name in RIGHTWARD else -1, downward, -1]
    across = WIDTH_TO_HEIGHT if unit == HALF_IMAGES else 1
    return np.pad(points * [across, downward], [(0, 0)] * 3 + [(0, 1)])
