"""Clips as a user names them: which files are meant, and what is in one of any supported format."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Union

import numpy as np

from ctrgcn_plugin.data import ntu
from ctrgcn_plugin.data.sample import check_clip, read_clip
from ctrgcn_plugin.errors import ClipError

AnyPath = Union[str, "os.PathLike[str]"]
ClipShape = tuple[int, int, int]

LIST_SUFFIX = ".txt"
SHOWN = 8


def clip_files(inputs: Iterable[AnyPath]) -> list[Path]:
    """The clips that `inputs` name, in their order.

    Args:
        inputs: each a clip; a folder, for the clips directly in it, by name; or a ``.txt`` list with one clip a line,
            relative to the list's folder, where blank lines and lines that begin with # do not count.

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
    return _reader(Path(path))(path, clip_shape)


def _read_skeleton(path: AnyPath, clip_shape: ClipShape) -> np.ndarray:
    channels, joints, persons = clip_shape
    if (channels, joints) != (ntu.COORDINATES, ntu.JOINTS) or persons > ntu.PERSONS:
        raise ClipError(
            f"clip {path} has {ntu.COORDINATES} coordinates, {ntu.JOINTS} joints and up to {ntu.PERSONS} persons; "
            f"the model takes {channels}, {joints} and {persons}"
        )
    return check_clip(ntu.read(path)[..., :persons], clip_shape, f"clip {path}")


READERS: dict[str, Callable[[AnyPath, ClipShape], np.ndarray]] = {".npy": read_clip, ".skeleton": _read_skeleton}
SUPPORTED = " or ".join(READERS)


def _reader(path: Path) -> Callable[[AnyPath, ClipShape], np.ndarray]:
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ClipError(f"clip {path} has no supported format; give a {SUPPORTED} file")
    return reader


def _named_by(path: Path) -> list[Path]:
    if path.is_dir():
        return _in_folder(path)
    if not path.is_file():
        raise ClipError(f"no clip at {path}; give a {SUPPORTED} file, a folder of them or a {LIST_SUFFIX} list")
    if path.suffix.lower() == LIST_SUFFIX:
        return _in_list(path)
    _reader(path)
    return [path]


def _in_folder(folder: Path) -> list[Path]:
    try:
        there = sorted(folder.iterdir())
    except OSError as error:
        raise ClipError(f"folder {folder} cannot be read: {error}") from error
    clips = [path for path in there if path.suffix.lower() in READERS and path.is_file()]
    if not clips:
        names = ", ".join(path.name for path in there[:SHOWN]) + (", ..." if len(there) > SHOWN else "")
        raise ClipError(f"folder {folder} has no {SUPPORTED} file; " + (f"it has {names}" if names else "it is empty"))
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
        if not clip.is_file():
            raise ClipError(f"list {path}, line {number}: no clip at {clip}")
        _reader(clip)
        clips.append(clip)
    if not clips:
        raise ClipError(f"list {path} names no clip; give one {SUPPORTED} file a line")
    return clips
