"""Holds what a config says of skeletons against itself and against its data: their headers, labels and values."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Optional, TypeVar

import numpy as np

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.prepared import open_clips, read_labels
from ctrgcn_plugin.errors import ClipError, ConfigError
from ctrgcn_plugin.sections import parts, pipeline_steps

FAMILY = "CTRGCN"
DATASETS = "SkeletonDataset"
MODALITY, NORM, ROTATION = "SketeonModalityTransform", "SkeletonNorm", "RandomRotation"
# steps of a pipeline that leave coordinates, joints and persons as many as they are: upstream's, and the plugin's
KEEPING = (
    *("Iden", "AutoPadding", "SketeonCropSample", ROTATION, MODALITY),
    *("SkeletonCropResample", "SkeletonRotation", "SkeletonAugment"),
)
PURPOSE = {"train": "train on", "valid": "validate on", "test": "test"}
# what the family's backbones and heads, and NORM, take where a config says nothing
COUNTS = {"in_channels": 3, "num_person": 2, "num_classes": 10, "axis": 2}

Steps = list[tuple[str, Mapping[str, Any]]]
Read = TypeVar("Read")


class Backbone(NamedTuple):
    """A backbone's place in the config, its section, its graph, and (C, V, M) of the clips that it takes."""

    place: str
    section: Mapping[str, Any]
    layout: layouts.Layout
    clip_shape: tuple[int, int, int]


def check(config: Mapping[str, Any], role: str) -> None:
    """Raise a ConfigError for the first disagreement.

    Args:
        role: what the run is for. Training reads the data to train on, and with ``--validate`` those to validate on,
            testing those to test on; other roles read none.
    """
    model = config.get("MODEL") or {}
    backbones = [_backbone(place, section) for place, section in _family(model, "backbone")]
    classes = {
        f"{place}.num_classes": _count(place, section, "num_classes") for place, section in _family(model, "head")
    }
    pipelines = config.get("PIPELINE") or {}
    steps: dict[str, Steps] = {}
    for mode in ("train", "valid", "test"):
        found = pipeline_steps(pipelines.get(mode) or {})
        steps[mode] = [(f"PIPELINE.{mode}.{place}", step) for place, step in found]
        for place, step in steps[mode]:
            if step["name"] == MODALITY:
                _check_graph(place, step, backbones)
            elif step["name"] == ROTATION and step.get("argument"):
                _check_rotation(place, backbones)
    for mode in _modes_read(role):
        dataset = (config.get("DATASET") or {}).get(mode) or {}
        clips, labels = dataset.get("file_path"), dataset.get("label_path")
        # upstream's UCF101SkeletonDataset, of such a name as well, reads a pickle of annotations
        if str(dataset.get("format")).endswith(DATASETS) and isinstance(clips, str) and clips.endswith(".npy"):
            place = f"DATASET.{mode}.file_path"
            opened = _read(open_clips, place, clips)
            if not len(opened):
                raise ConfigError(f"{place} {clips} has no clips; give one that has some to {PURPOSE[mode]}")
            for backbone in backbones:
                _check_clips(f"{place} {clips}", opened.shape, steps[mode], backbone)
            names: Sequence[str] = ()
            if isinstance(labels, str):
                names = _check_labels(f"DATASET.{mode}.label_path", labels, len(opened), classes)
            if backbones and _channels_behind(steps[mode], opened.shape[1]) is not None:
                _check_values(f"{place} {clips}", opened, names)


def _family(model: Mapping[str, Any], wanted: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(place, section) of the CTR-GCN family's backbones or heads."""
    for place, section, part in parts(model):
        if part == wanted and FAMILY in str(section.get("name")):
            yield place, section


def _count(place: str, section: Mapping[str, Any], key: str) -> int:
    value = section.get(key, COUNTS[key])
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigError(f"{place}.{key} must be a whole number, at least 1, got {value!r}")
    return value


def _backbone(place: str, section: Mapping[str, Any]) -> Backbone:
    layout = layouts.get(section.get("graph", layouts.DEFAULT))
    joints = layout.agreed_joints(section.get("num_point"), place)
    shape = _count(place, section, "in_channels"), joints, _count(place, section, "num_person")
    return Backbone(place, section, layout, shape)


def _check_graph(place: str, step: Mapping[str, Any], backbones: list[Backbone]) -> None:
    """A stream of joints needs no graph; one of bones that names none is made along the default's."""
    graph = step.get("graph", layouts.DEFAULT if step.get("bone") is True else None)
    if step.get("joint", True) is True or graph is None:
        return
    for backbone in backbones:
        if layouts.get(graph).parents != backbone.layout.parents:
            raise ConfigError(
                f"{place}.graph is {graph!r}, but {backbone.place}.graph is "
                f"{backbone.section.get('graph', layouts.DEFAULT)!r}; both are the skeleton of the data"
            )


def _check_rotation(place: str, backbones: list[Backbone]) -> None:
    """Upstream's matrices are for space alone."""
    for backbone in backbones:
        if backbone.clip_shape[0] != 3:
            raise ConfigError(
                f"{place} turns clips of 3 coordinates, but {backbone.place}.in_channels is {backbone.clip_shape[0]}; "
                "set its argument to False, or take SkeletonRotation, which turns 2 as well"
            )


def _modes_read(role: str) -> tuple[str, ...]:
    if role == "train":
        # --validate, in any form argparse takes
        return ("train", "valid") if any(argument.startswith("--v") for argument in sys.argv[1:]) else ("train",)
    return ("test",) if role == "test" else ()


def _read(reader: Callable[[str], Read], place: str, path: str) -> Read:
    try:
        return reader(path)
    except ClipError as error:
        raise ConfigError(f"{place}: {error}") from error


def _channels_behind(steps: Steps, channels: int) -> Optional[int]:
    """How many coordinates a pipeline leaves of so many; None if it has a step that may do anything to a clip."""
    for place, step in steps:
        if step["name"] == NORM:
            channels = min(channels, _count(place, step, "axis"))
        elif step["name"] not in KEEPING:
            return None
    return channels


def _check_clips(source: str, shape: tuple[int, ...], steps: Steps, backbone: Backbone) -> None:
    channels = _channels_behind(steps, shape[1])
    if channels is None:
        return
    place, section, _, (in_channels, joints, persons) = backbone
    changes = []
    if channels != in_channels:
        changes.append(f"{place}.in_channels={channels}")
    if shape[3] != joints:
        names = " or ".join(layouts.with_joints(shape[3])) or f"FILE.yaml, a layout of {shape[3]} joints"
        changes.append(f"{place}.graph={names}")
        if section.get("num_point") is not None:
            changes.append(f"{place}.num_point={shape[3]}")
    if shape[4] != persons:
        changes.append(f"{place}.num_person={shape[4]}")
    if changes:
        raise ConfigError(
            f"{source} has shape {shape}, but {place} takes (N, {in_channels}, T, {joints}, {persons}), which are "
            f"(N, C, T, V, M); give other data, or set {', '.join(changes)}"
        )


def _check_values(source: str, clips: np.ndarray, names: Sequence[str]) -> None:
    """A network trains on NaN, too: its rectifiers make 0 of it, and its weights become NaN at a loss that is not."""
    bad = [index for index, clip in enumerate(clips) if not np.isfinite(clip).all()]
    if bad:
        first = f"{bad[0]} (from 0)" + (f", {names[bad[0]]}" if names else "")
        raise ConfigError(
            f"{source} has values that are NaN or infinite in {len(bad)} of {len(clips)} clips, the first is {first}; "
            "ctrgcn data check DIR lists them, and with --fix OUT_DIR writes data without"
        )


def _check_labels(place: str, path: str, clips: int, classes: Mapping[str, int]) -> Sequence[str]:
    """The clips' names, where the file has them."""
    names, labels = _read(read_labels, place, path)
    if len(labels) != clips:
        raise ConfigError(f"{place} {path} has {len(labels)} labels, file_path has {clips} clips")
    for key, number in classes.items():
        if not 0 <= labels.min() <= labels.max() < number:
            raise ConfigError(
                f"{place} {path} has labels from {labels.min()} to {labels.max()}, but {key} is {number}: "
                f"labels count from 0 to {number - 1}; mend them, or set {key}"
            )
    return names
