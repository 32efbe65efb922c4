"""One clip of keypoints, as a pose estimator wrote it: which format it is in, and who is in it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Optional

from ctrgcn_plugin.data.sources import poses
from ctrgcn_plugin.data.sources.poses import Recorded
from ctrgcn_plugin.data.units import METRES
from ctrgcn_plugin.errors import ClipError
from ctrgcn_plugin.layouts import Layout


@dataclass(frozen=True)
class Format:
    """A format of keypoints.

    Attributes:
        module: in ``data/sources``; its ``recorded(path, layout, ...)`` reads a clip.
        text: what it is, in a line.
        frames: a glob of the files in a folder that is one clip; none where that cannot be.
        document: whether a ``.json`` may be one clip.
        sized: whether it may need the size of the picture.
        world: unit of its 3-D joints, where it may have them.
    """

    module: str
    text: str
    frames: str = ""
    document: bool = True
    sized: bool = False
    world: str = ""

    def reader(self) -> ModuleType:
        return importlib.import_module(f"ctrgcn_plugin.data.sources.{self.module}")


FORMATS: Mapping[str, Format] = {
    "openpose": Format("openpose", "OpenPose: a folder of *_keypoints.json", "*_keypoints.json", document=False),
    "coco": Format("coco", "COCO, AlphaPose, PoseTrack, mmpose: a .json"),
    "mediapipe": Format("mediapipe", "MediaPipe's landmarks: a .json", sized=True, world=METRES),
    "ultralytics": Format("ultralytics", "Ultralytics: a .json, or a folder of .txt", "*_*[0-9].txt", sized=True),
}
SUFFIX = ".json"


def format_of_folder(folder: Path) -> Optional[str]:
    """The format whose frames a folder has; None for a folder of other things."""
    return next((name for name, form in FORMATS.items() if form.frames and any(folder.glob(form.frames))), None)


def format_of(path: Path) -> str:
    """The format of a clip, by what is in it; a ClipError where that does not tell."""
    if path.is_dir():
        found = format_of_folder(path)
    else:
        content = poses.load(path)
        documents = (name for name, form in FORMATS.items() if form.document)
        found = next((name for name in documents if FORMATS[name].reader().recognises(content)), None)
    if found is None:
        advice = "give its folder" if path.match(FORMATS["openpose"].frames) else "name it with --keypoints"
        raise ClipError(f"clip {path} is in no format of keypoints that is known by its looks; {advice}")
    return found


def read(path: Path, layout: Layout, form: str, *, image_size: Optional[str] = None, world: bool = False) -> Recorded:
    """Everybody in a clip.

    Args:
        layout: that the clip has to have.
        form: a key of :data:`FORMATS`.
        image_size: as ``1920x1080``, for formats that have shares of a picture.
        world: 3-D joints, of formats that have them.

    Raises:
        ClipError: the clip cannot be read, or has another layout.
    """
    chosen = FORMATS[form]
    if path.is_file() and not chosen.document:
        raise ClipError(f"clip {path} is a file; a clip is {chosen.text}")
    options: dict[str, Any] = {"size": poses.image_size(image_size)} if chosen.sized else {}
    if chosen.world:
        options["world"] = world
    return chosen.reader().recorded(path, layout, **options)
