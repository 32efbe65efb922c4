"""A data set in one pickle of annotations, as pyskl and mmaction2 share them; see :mod:`.annotation_file` for the form.

2-D joints are in halves of the image from its middle, x to the right and y downward, as pyskl's PreNormalize2D makes
them; prepare your own clips in the same form if such a model is to see them. 3-D joints stay in their unit, and their
origin moves into the first person. A joint whose score pyskl would ignore is a gap; where there are no scores, one at
zero is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.prepare.source import Description, Protocols, Reading, Recording
from ctrgcn_plugin.data.sources import annotation_file
from ctrgcn_plugin.data.sources.annotation_file import Annotation, Content
from ctrgcn_plugin.data.sources.finishing import check_size, finished
from ctrgcn_plugin.data.units import AS_RECORDED, HALF_IMAGES
from ctrgcn_plugin.errors import ClipError, ConfigError

UNSEEN = 0.01  # the score up to which PreNormalize2D ignores a joint
MOST_PERSONS = 2  # by default, as pyskl's FormatGCNInput


@dataclass(frozen=True)
class PysklClips:
    """A :class:`~ctrgcn_plugin.data.prepare.source.Source`: the annotations in a file.

    Attributes:
        raw: the file.
        layout: a name or a file; by default the shipped one with as many joints.
        persons: M, the first ones of an annotation; by default as many as there are, up to :data:`MOST_PERSONS`.
        confidence: whether to keep the scores as a third coordinate, 0 where a joint was not seen.
    """

    raw: Path
    layout: str | None = None
    persons: int | None = None
    confidence: bool = False

    def __post_init__(self) -> None:
        if self.persons is not None and self.persons < 1:
            raise ConfigError(f"--persons must be at least 1, got {self.persons}")

    def describe(self) -> Description:
        content = annotation_file.content(self.raw)
        if self.confidence and content.dimensions == 3:
            raise ConfigError(f"--confidence is for 2-D skeletons; those of {self.raw} are 3-D")
        layout = self._layout(content)
        layouts.get(layout).agreed_joints(content.joints, str(self.raw))
        labels = [recording.label for recording in self._recordings(content).values()]
        return Description(
            name=self.raw.stem,
            layout=layout,
            coordinates=content.dimensions + self.confidence,
            persons=self._persons(content),
            unit=HALF_IMAGES if content.dimensions == 2 else AS_RECORDED,
            classes=[str(label) for label in range(max(labels, default=-1) + 1)],
            options={"confidence": self.confidence},
        )

    def protocols(self) -> Protocols:
        content = annotation_file.content(self.raw)
        pairs = content.pairs()
        if not pairs:
            there = ", ".join(sorted(content.splits)) or "none"
            raise ConfigError(f"{self.raw} has no pair of splits like xsub_train and xsub_val; its splits: {there}")
        recordings = self._recordings(content)

        def rows(names: frozenset[str]) -> list[Recording]:
            return [recording for name, recording in recordings.items() if name in names]

        return {protocol: {split: rows(names) for split, names in pair.items()} for protocol, pair in pairs.items()}

    def left_out(self) -> Mapping[str, str]:
        content = annotation_file.content(self.raw)
        used = {name for pair in content.pairs().values() for names in pair.values() for name in names}
        reasons = {name: "in no pair of splits" for name in content.annotations if name not in used}
        for name in sorted(used - self._recordings(content).keys()):
            reasons[name] = "without a label" if name in content.annotations else "in a split, but without annotation"
        return reasons

    def read(self, recording: Recording) -> Reading:
        content = annotation_file.content(self.raw)
        try:
            return self._reading(content.annotations[recording.part], content)
        except ClipError as error:
            raise ClipError(f"clip {self.raw} {error}: annotation {recording.part!r}") from error

    def _reading(self, annotation: Annotation, content: Content) -> Reading:
        positions, scores = annotation_file.poses(annotation)
        there, frames, *kind = positions.shape
        if kind != [content.joints, content.dimensions]:
            needed = f"{content.joints} joints in {content.dimensions} dimensions"
            raise ClipError(f"has (joints, dimensions) of {tuple(kind)} where the first annotation has {needed}")
        if self.confidence and scores is None:
            raise ClipError("has no keypoint_score, which --confidence needs")
        persons = self._persons(content)
        clip = np.zeros((content.dimensions, frames, content.joints, persons))
        clip[..., :there] = positions[:persons].transpose(3, 1, 2, 0)
        check_size(clip)
        certain = np.zeros(clip.shape[1:])
        if scores is not None:
            certain[..., :there] = scores[:persons].transpose(1, 2, 0)
            check_size(certain[None])
        seen = clip.any(axis=0) if scores is None else certain > UNSEEN
        clip[:, ~seen | np.isnan(clip).any(axis=0)] = np.nan
        if content.dimensions == 2:
            half = np.array(annotation_file.image_size(annotation)) / 2
            clip = clip / half[:, None, None, None] - 1
        else:
            clip = layouts.get(self._layout(content)).normalise(clip, scale=False, coordinates=3)
        reading = finished(clip, certain if self.confidence else None)
        more = [f"{there - persons} more persons left out"] if there > persons else []
        return reading._replace(notes=[*more, *reading.notes])

    def _recordings(self, content: Content) -> dict[str, Recording]:
        """The annotations that have a label, by name, in the order of the file."""
        labels = {name: annotation_file.label(annotation) for name, annotation in content.annotations.items()}
        return {
            name: Recording(name, label, self.raw, part=name) for name, label in labels.items() if label is not None
        }

    def _layout(self, content: Content) -> str:
        if self.layout is not None:
            return self.layout
        names = layouts.with_joints(content.joints)
        # 25 joints are Kinect v2's in three dimensions, OpenPose's in two
        fitting = [name for name in names if layouts.get(name).dimensions == content.dimensions] or names
        if len(fitting) != 1:
            which = f"{' and '.join(fitting)} have" if fitting else "no layout has"
            raise ConfigError(f"{self.raw} has {content.joints} joints, and {which} as many; give one with --layout")
        return fitting[0]

    def _persons(self, content: Content) -> int:
        return self.persons or min(content.persons, MOST_PERSONS)


def source(raw: Path, layout: str | None = None, persons: int | None = None, confidence: bool = False) -> PysklClips:
    """The data set in a ``.pkl`` file."""
    return PysklClips(raw, layout, persons, confidence)
