"""The formats that data sets come in: what each is called, which module reads it, and what it has to be told."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ctrgcn_plugin.data.prepare.source import Source


@dataclass(frozen=True)
class Option:
    """One option of a format; `settings` are those of ``ArgumentParser.add_argument``."""

    flag: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Format:
    """How a data set's files are read.

    Attributes:
        module: in ``data/sources``; its ``source(raw, **options)`` returns a :class:`Source`.
        text: what it is, in a line.
        raw: what the user names as input.
    """

    module: str
    text: str
    raw: str
    options: tuple[Option, ...] = ()

    def source(self, raw: Path, options: Mapping[str, Any]) -> Source:
        """The data set in `raw`; of its clips, at most those are read that tell what all have in common."""
        return importlib.import_module(f"ctrgcn_plugin.data.sources.{self.module}").source(raw, **options)


LAYOUT = Option("--layout", {"metavar": "NAME|FILE.yaml", "help": "skeleton layout (default: %(default)s)"})
LABELS = Option(
    "--labels",
    {"type": Path, "required": True, "metavar": "FILE.csv", "help": "lines of clip,label,split[,subject], with header"},
)
PERSONS = Option("--persons", {"type": int, "default": 1, "metavar": "M", "help": "in a clip (default: %(default)s)"})
CONFIDENCE = Option(
    "--confidence", {"action": "store_true", "help": "keep the confidence as a third coordinate (default: x and y)"}
)

IMAGE_SIZE = Option("--image_size", {"metavar": "WxH", "help": "of the picture, for keypoints that are shares of it"})
WORLD = Option("--world", {"action": "store_true", "help": "3-D landmarks in metres (default: those in the picture)"})


def _layout(default: str) -> Option:
    return Option(LAYOUT.flag, {**LAYOUT.settings, "default": default})


FORMATS: dict[str, Format] = {
    "ntu": Format(
        "ntu",
        "NTU RGB+D 60 and 120: .skeleton files",
        "folder of .skeleton files",
        (
            Option("--actions", {"type": int, "choices": (60, 120), "help": "of the data set (default: by the files)"}),
            Option(
                "--missing",
                {"type": Path, "metavar": "FILE", "help": "names to leave out (default: the data set's own list)"},
            ),
        ),
    ),
    "nw_ucla": Format("nw_ucla", "NW-UCLA: the .json files that CTR-GCN and others use", "folder of .json files"),
    "utd_mhad": Format("utd_mhad", "UTD-MHAD: *_skeleton.mat files", "folder of .mat files"),
    "msr_action3d": Format(
        "msr_action3d",
        "MSR Action3D: *_skeleton3D.txt files",
        "folder of .txt files",
        (Option("--subset", {"choices": ("AS1", "AS2", "AS3"), "help": "of eight actions (default: all twenty)"}),),
    ),
    "pyskl": Format(
        "pyskl",
        "a pickle of annotations as pyskl and mmaction2 share them, 2-D or 3-D",
        "file.pkl",
        (
            Option(LAYOUT.flag, {**LAYOUT.settings, "help": "skeleton layout (default: by the number of joints)"}),
            Option(
                PERSONS.flag, {"type": int, "metavar": "M", "help": "in a clip (default: 2, or 1 if none has more)"}
            ),
            CONFIDENCE,
        ),
    ),
    "openpose": Format(
        "openpose",
        "a folder for each clip with OpenPose's *_keypoints.json, one file a frame",
        "folder of clip folders",
        (LABELS, Option(LAYOUT.flag, {**LAYOUT.settings, "help": "default: by the keypoints"}), PERSONS, CONFIDENCE),
    ),
    "coco": Format(
        "coco",
        "a .json for each clip with keypoints as COCO, AlphaPose, PoseTrack or mmpose write them",
        "folder of .json files",
        (LABELS, _layout("coco"), PERSONS, CONFIDENCE),
    ),
    "mediapipe": Format(
        "mediapipe",
        "a .json for each clip with MediaPipe's pose landmarks",
        "folder of .json files",
        (LABELS, IMAGE_SIZE, WORLD, PERSONS, CONFIDENCE),
    ),
    "ultralytics": Format(
        "ultralytics",
        "a .json, or a folder of save_txt's files, for each clip",
        "folder of clips",
        (LABELS, _layout("coco"), IMAGE_SIZE, PERSONS, CONFIDENCE),
    ),
    "plain": Format(
        "plain",
        "a .npy, (T, V, C) or (T, M, V, C), or a .csv for each clip",
        "folder of .npy or .csv files",
        (LABELS, Option(LAYOUT.flag, {**LAYOUT.settings, "required": True, "help": "skeleton layout"}), PERSONS),
    ),
}
