"""What a model can be shown, whole or in parts: each part as the clip that it would be in training data."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import cache
from typing import Optional, Protocol

import numpy as np

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.sample import valid_frames
from ctrgcn_plugin.data.sources import tracks
from ctrgcn_plugin.data.sources.own import People, training_clip
from ctrgcn_plugin.data.sources.poses import Recorded
from ctrgcn_plugin.data.units import PLANE, TRUNKS
from ctrgcn_plugin.errors import ClipError, ConfigError
from ctrgcn_plugin.layouts import Layout
from ctrgcn_plugin.layouts.reading import SUFFIXES

LOG = logging.getLogger(__name__)

ClipShape = tuple[int, int, int]


@dataclass(frozen=True)
class Needs:
    """What the clips of a model are.

    Attributes:
        clip_shape: (C, V, M).
        layout: a shipped one's name or a file; empty where it is not known.
        unit: of the coordinates, as prepared data's card says it; empty where it is not known.
    """

    clip_shape: ClipShape
    layout: str = ""
    unit: str = ""

    def __str__(self) -> str:
        channels, joints, _ = self.clip_shape
        confidence = " and confidence" if self.has_confidence else ""
        return (
            f"{self.dimensions}-D joints{confidence}, {joints} of layout {self.layout or 'unknown'}, "
            f"unit {self.unit or 'unknown'}"
        )

    @property
    def dimensions(self) -> int:
        """How many of the C channels are coordinates."""
        return 2 if self.clip_shape[0] == 2 or self.unit in PLANE else 3

    @property
    def has_confidence(self) -> bool:
        return self.clip_shape[0] > self.dimensions

    @property
    def has_origin_in_body(self) -> bool:
        """Whether training data of this kind are moved into the body; not where the unit does not tell."""
        return self.unit == TRUNKS or (self.unit not in PLANE and self.dimensions == 3)

    def skeleton(self) -> Layout:
        """The layout, by its name, or by the number of joints; a ConfigError where that does not tell."""
        joints = self.clip_shape[1]
        if self.layout:
            if self.layout not in layouts.available() and not self.layout.endswith(SUFFIXES):
                raise ConfigError(f"the model's layout {self.layout!r} is not shipped; give its file with --layout")
            layout = layouts.get(self.layout)
            layout.agreed_joints(joints, "the model")
            return layout
        return _by_joints(joints, self.dimensions)

    def in_world(self, source: str, unit: str = "") -> bool:
        """Whether the model takes the 3-D joints of `source`, which are in `unit`, or the 2-D ones in the picture.

        Args:
            unit: empty where there are only those in the picture.

        Raises:
            ClipError: it takes neither.
        """
        if self.dimensions == 2 and self.unit in ("", TRUNKS):
            if not self.unit:
                LOG.warning("the model does not say its unit; its 2-D joints are taken to be in %s", TRUNKS)
            return False
        if self.dimensions == 3 and unit and self.unit == unit:
            return True
        kinds = [f"2-D in {TRUNKS}"] + [f"3-D in {unit}"] * bool(unit)
        unsaid = "" if self.unit else ", or export the model again, so that it says its unit"
        raise ClipError(
            f"{source} has joints {' or '.join(kinds)}; the model takes {self}: give such clips as .npy, "
            f"or a model trained on keypoints like these{unsaid}"
        )


@cache
def _by_joints(joints: int, dimensions: int) -> Layout:
    """The one shipped layout with so many joints. Cached, so that a guess is said once."""
    found = [layouts.get(name) for name in layouts.with_joints(joints)]
    fitting = [layout for layout in found if layout.dimensions == dimensions] or found
    if len(fitting) != 1:
        names = " or ".join(layout.name for layout in fitting) or "no shipped one"
        raise ConfigError(f"the model does not say its layout, {names} has {joints} joints; name it with --layout")
    LOG.warning("the model does not say its layout; by its %d joints it is %s", joints, fitting[0].name)
    return fitting[0]


class Footage(Protocol):
    """A clip, or a long video.

    Attributes:
        source: its path.
        frames: T.
        rate: frames a second; 0 where that is not known.
    """

    @property
    def source(self) -> str: ...

    @property
    def frames(self) -> int: ...

    @property
    def rate(self) -> float: ...

    def clip(self, start: int = 0, stop: Optional[int] = None) -> np.ndarray:
        """The frames from `start` to before `stop` as a clip (C, T, V, M) float32; a ClipError if nobody is there."""


@dataclass(frozen=True)
class Array:
    """A clip (C, T, V, M) that is prepared already: whole as it is, a part with its own origin and unit."""

    source: str
    values: np.ndarray = field(repr=False)
    needs: Needs
    rate: float = 0.0

    @property
    def frames(self) -> int:
        return valid_frames(self.values)

    def clip(self, start: int = 0, stop: Optional[int] = None) -> np.ndarray:
        if (start, stop) == (0, None):
            return self.values
        part = self.values[:, start:stop]
        if not part.any():
            raise ClipError(f"clip {self.source} has nobody in any of its frames {start} to {stop}")
        if not self.needs.has_origin_in_body:
            return part
        try:
            moved = self.needs.skeleton().normalise(part, self.needs.unit == TRUNKS, self.needs.dimensions)
        except ClipError as error:
            raise ClipError(f"clip {self.source}, frames {start} to {stop}: {error}") from error
        return moved.astype(np.float32, copy=False)


@dataclass(frozen=True)
class Plain:
    """Joints in arrays or tables; what they become is what ``ctrgcn prepare plain`` makes of them."""

    source: str
    people: People = field(repr=False)
    needs: Needs
    rate: float = 0.0

    @property
    def frames(self) -> int:
        return self.people.positions.shape[1]

    def clip(self, start: int = 0, stop: Optional[int] = None) -> np.ndarray:
        return _trained_on(self.source, People(self.people.positions[:, start:stop]), self.needs)


@dataclass(frozen=True)
class Keypoints:
    """People that a pose estimator has found; what they become is what ``ctrgcn prepare`` makes of them.

    Attributes:
        world: whether their 3-D joints are wanted, not those in the picture.
    """

    source: str
    recorded: Recorded = field(repr=False)
    needs: Needs
    world: bool = False

    @property
    def frames(self) -> int:
        return self.recorded.frames

    @property
    def rate(self) -> float:
        return self.recorded.rate

    def clip(self, start: int = 0, stop: Optional[int] = None) -> np.ndarray:
        _, joints, persons = self.needs.clip_shape
        recorded = self.recorded if stop is None else self.recorded.part(start, stop)
        return _trained_on(self.source, tracks.people(recorded.poses, joints, persons, self.world), self.needs)


def _trained_on(source: str, people: People, needs: Needs) -> np.ndarray:
    """What training data have of these people."""
    layout, persons = needs.skeleton(), needs.clip_shape[2]
    dimensions, confidence = needs.dimensions, needs.has_confidence
    try:
        return training_clip(people, layout, persons, dimensions=dimensions, confidence=confidence).clip
    except ClipError as error:
        raise ClipError(f"clip {source} {error}") from error
