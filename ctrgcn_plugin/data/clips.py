"""Clips as a user names them: which files are meant, and what is in one of any supported format."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Optional, Union

import numpy as np

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data import arrays, keypoints, ntu, prepared, rows
from ctrgcn_plugin.data.footage import Array, ClipShape, Footage, Keypoints, Needs, Plain
from ctrgcn_plugin.data.sample import check_clip, read_clip
from ctrgcn_plugin.data.sources import plain
from ctrgcn_plugin.data.units import DOWNWARD, METRES
from ctrgcn_plugin.errors import ClipError, unknown
from ctrgcn_plugin.layouts.reading import SUFFIXES

AnyPath = Union[str, "os.PathLike[str]"]

LIST_SUFFIX = ".txt"
ARRAY, TABLE = ".npy", ".csv"
PLAIN = "plain"  # arrays and tables as ``ctrgcn prepare plain`` takes them
SHOWN = 8


def clip_files(inputs: Iterable[AnyPath]) -> list[Path]:
    """The clips that `inputs` name, in their order.

    Args:
        inputs: each a clip, which may be a folder of frames or a row of prepared data, ``FILE.npy#ROW``; a folder, for
            the clips directly in it, by name; or a ``.txt`` list with one clip a line, relative to the list's folder,
            where blank lines and lines that begin with # do not count.

    Raises:
        ClipError: there is no such file or folder, its format is not supported, or it names no clip.
    """
    return [file for path in map(Path, inputs) for file in _named_by(path)]


def read(path: AnyPath, clip_shape: ClipShape) -> np.ndarray:
    """The clip in a file of any supported format.

    Args:
        clip_shape: (C, V, M) that the model takes. Of a ``.skeleton`` file, a model for one person gets the first.

    Returns:
        (C, T, V, M) float32.

    Raises:
        ClipError: it cannot be read, or not be given to such a model.
    """
    return opened(path, Needs(clip_shape)).clip()


def opened(path: AnyPath, needs: Needs, *, form: Optional[str] = None, image_size: Optional[str] = None) -> Footage:
    """What is in a file of any supported format, or in a folder of frames.

    Args:
        needs: what the model takes.
        form: the format of keypoints, a key of :data:`~ctrgcn_plugin.data.keypoints.FORMATS`, or :data:`PLAIN`; by
            default found out. An array is taken for a clip (C, T, V, M) where it can be one.
        image_size: of the picture, as ``1920x1080``, for keypoints that are shares of it.

    Raises:
        ClipError: it cannot be read, or not be given to such a model.
        ConfigError: there is no such format, or the model does not say its layout.
    """
    path = Path(path)
    row = rows.split(str(path))
    if row is not None:
        return Array(str(path), _of_row(path, rows.read(*row), needs), needs)
    suffix = "" if path.is_dir() else path.suffix.lower()
    if form is None and suffix in READERS:
        return READERS[suffix](path, needs)
    if form is None and suffix == TABLE:
        form = PLAIN
    if not path.exists():
        raise ClipError(f"no clip at {path}; give a {SUPPORTED}")
    if form == PLAIN:
        return _opened_plain(path, needs)
    if form is None:
        _require_supported(path)
    form = form or keypoints.format_of(path)
    if form not in keypoints.FORMATS:
        raise unknown("format of keypoints", form, [*keypoints.FORMATS, PLAIN])
    world = needs.in_world(f"clip {path} ({form})", keypoints.FORMATS[form].world)
    recorded = keypoints.read(path, needs.skeleton(), form, image_size=image_size, world=world)
    return Keypoints(str(path), recorded, needs, world)


def _opened_plain(path: Path, needs: Needs) -> Footage:
    people = plain.read(path, needs.skeleton(), needs.clip_shape[2])
    if len(people.positions) != needs.dimensions or needs.unit in DOWNWARD or needs.has_confidence:
        raise ClipError(f"clip {path} has {len(people.positions)}-D joints; the model takes {needs}")
    return Plain(str(path), people, needs)


def _of_row(path: Path, row: rows.Row, needs: Needs) -> np.ndarray:
    clip = check_clip(row.clip, needs.clip_shape, f"clip {path}")
    if row.card is not None:
        for what, own, wanted in (("layout", row.card.layout, needs.layout), ("unit", row.card.unit, needs.unit)):
            # of a layout file, a model knows the name that it calls itself
            if wanted and own != wanted and Path(own).suffix not in SUFFIXES:
                raise ClipError(f"clip {path} has {what} {own}; the model takes {needs}")
    return clip


def _opened_array(path: Path, needs: Needs) -> Footage:
    shape = _shape(path)
    if len(shape) == len(prepared.AXES.split(",")):
        raise ClipError(f"{path} holds {shape[0]} clips; name one of them, by its row: {path}{rows.MARK}0")
    channels, joints, _ = needs.clip_shape
    as_plain = len(shape) in (3, 4) and shape[-2:] == (joints, channels)
    # what can be a clip as a network takes it is one
    if as_plain and (shape[:1] + shape[2:]) != needs.clip_shape:
        return _opened_plain(path, needs)
    return Array(str(path), read_clip(path, needs.clip_shape), needs)


def _shape(path: Path) -> tuple[int, ...]:
    """Of the array in a file; of anything else none."""
    try:
        return arrays.opened(path).shape
    except ClipError:
        # who reads it will say so
        return ()


def _opened_skeleton(path: Path, needs: Needs) -> Footage:
    channels, joints, persons = needs.clip_shape
    of_kinect = (channels, joints) == (ntu.COORDINATES, ntu.JOINTS) and persons <= ntu.PERSONS
    if not of_kinect or needs.layout not in ("", layouts.DEFAULT) or needs.unit not in ("", METRES):
        raise ClipError(
            f"clip {path} has {ntu.COORDINATES} coordinates, {ntu.JOINTS} joints and up to {ntu.PERSONS} persons, of "
            f"layout {layouts.DEFAULT} in {METRES}; the model takes {channels}, {joints} and {persons}: {needs}"
        )
    clip = check_clip(ntu.read(path)[..., :persons], needs.clip_shape, f"clip {path}")
    return Array(str(path), clip, needs)


READERS: dict[str, Callable[[Path, Needs], Footage]] = {ARRAY: _opened_array, ".skeleton": _opened_skeleton}
SUPPORTED = f"{', '.join(READERS)} or {keypoints.SUFFIX} file, or a folder of keypoint files"


def _is_keypoints(path: Path) -> bool:
    return keypoints.format_of_folder(path) is not None if path.is_dir() else path.suffix.lower() == keypoints.SUFFIX


def _require_supported(path: Path) -> None:
    if path.suffix.lower() not in (*READERS, TABLE) and not _is_keypoints(path):
        raise ClipError(f"clip {path} has no supported format; give a {SUPPORTED}")


def _named_by(path: Path) -> list[Path]:
    if path.is_dir():
        return _in_folder(path)
    if rows.split(str(path)):
        return [path]
    if not path.is_file():
        raise ClipError(f"no clip at {path}; give a {SUPPORTED}, a folder of clips or a {LIST_SUFFIX} list")
    if path.suffix.lower() == LIST_SUFFIX:
        return _in_list(path)
    _require_supported(path)
    return [path]


def _in_folder(folder: Path) -> list[Path]:
    try:
        there = sorted(folder.iterdir())
    except OSError as error:
        raise ClipError(f"folder {folder} cannot be read: {error}") from error
    form = keypoints.format_of_folder(folder)
    if form is not None and not keypoints.FORMATS[form].document:
        # its frames have the suffix of clips
        return [folder]
    clips = [path for path in there if path.suffix.lower() in READERS and path.is_file()]
    # beside such clips, what has this suffix may be anything
    clips = clips or [path for path in there if path.is_file() and path.suffix.lower() == keypoints.SUFFIX]
    clips = clips or [path for path in there if path.is_dir() and keypoints.format_of_folder(path)]
    clips = clips or [folder] * (form is not None)
    if not clips:
        names = ", ".join(path.name for path in there[:SHOWN]) + (", ..." if len(there) > SHOWN else "")
        raise ClipError(
            f"folder {folder} has no clip, a {SUPPORTED}; " + (f"it has {names}" if names else "it is empty")
        )
    return clips


def _in_list(path: Path) -> list[Path]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ClipError(f"list {path} cannot be read as text: {error}") from error
    clips = []
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or line.startswith("#"):
            continue
        clip = path.parent / line
        row = rows.split(str(clip))
        if row is None or not row[0].is_file():
            if not clip.is_file() and not _is_keypoints(clip):
                raise ClipError(f"list {path}, line {number}: no clip at {clip}")
            _require_supported(clip)
        clips.append(clip)
    if not clips:
        raise ClipError(f"list {path} names no clip; give one a line, a {SUPPORTED}")
    return clips
