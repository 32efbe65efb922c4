"""MSR Action3D (Li et al., "Action Recognition Based on a Bag of 3D Points", CVPR workshops 2010), as .txt files.

The files are those of ``MSRAction3DSkeletonReal3D``: a line ``x y z confidence`` for each joint, 20 lines a frame.
The skeletons in pixels and depth, which are shared beside them as ``*_skeleton.txt``, are not read.

Subjects with odd numbers train, the others test. Of 567 clips ten are left out, as Wang et al. ("Mining Actionlet
Ensemble for Action Recognition with Depth Cameras", CVPR 2012) do: 291 and 266 are left. The authors' three subsets
of eight actions are data sets of their own, with labels from 0.

The confidence is not used: spine, centre of the hips and feet have zero in most frames, and move with the body.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from ctrgcn_plugin.data.sources.kinect_v1 import JOINTS, Dataset, KinectClips, Protocol
from ctrgcn_plugin.errors import ClipError, one_line, unknown

COLUMNS = 4
SUBSETS = {
    "AS1": (2, 3, 5, 6, 10, 13, 18, 20),
    "AS2": (1, 4, 7, 8, 9, 11, 12, 14),
    "AS3": (6, 14, 15, 16, 17, 18, 19, 20),
}
LOST = "the sensor has lost the person for much of the clip"


def source(raw: Path, subset: str | None = None) -> KinectClips:
    """The data set in a folder of ``.txt`` files, or one of its :data:`SUBSETS`."""
    if subset is None:
        return KinectClips(raw, MSR_ACTION3D)
    if subset not in SUBSETS:
        raise unknown("subset", subset, SUBSETS)
    classes = {action: MSR_ACTION3D.classes[action] for action in SUBSETS[subset]}
    name = f"{MSR_ACTION3D.name} {subset}"
    return KinectClips(raw, replace(MSR_ACTION3D, name=name, classes=classes, options={"subset": subset}))


def _parse(file: Path) -> np.ndarray:
    try:
        lines = file.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError as error:
        raise ClipError(f"clip {file} cannot be read: {one_line(error)}") from error
    values = np.empty((len(lines), COLUMNS))
    for row, line in enumerate(lines):
        try:
            values[row] = [float(cell) for cell in line.split(maxsplit=COLUMNS)]
        except ValueError as error:
            raise ClipError(f"clip {file} has no x, y, z and confidence: line {row + 1} is {line!r:.60}") from error
    if len(lines) % JOINTS:
        raise ClipError(f"clip {file} has {len(lines)} lines; {JOINTS} are needed for each frame, one for each joint")
    return values.reshape(-1, JOINTS, COLUMNS)[..., :3]


MSR_ACTION3D = Dataset(
    name="MSR Action3D",
    example="a01_s01_e01_skeleton3D.txt",
    file_name=re.compile(r"(?P<clip>a(?P<action>\d+)_s(?P<subject>\d+)_e(?P<take>\d+))_skeleton3D\.txt", re.ASCII),
    classes=dict(
        enumerate(
            (
                "high arm wave",
                "horizontal arm wave",
                "hammer",
                "hand catch",
                "forward punch",
                "high throw",
                "draw x",
                "draw tick",
                "draw circle",
                "hand clap",
                "two hand wave",
                "side boxing",
                "bend",
                "forward kick",
                "side kick",
                "jogging",
                "tennis swing",
                "tennis serve",
                "golf swing",
                "pick up and throw",
            ),
            start=1,
        )
    ),
    protocols={"xsub": Protocol("subject", frozenset({1, 3, 5, 7, 9}))},
    parse=_parse,
    # Which side is which: subjects were told to use the right arm or leg where one is enough, and what moves in
    # those actions are joints 1, 8, 10, 12 and 5, 14, 16, 18. They are also at larger x, as right is in NW-UCLA.
    order=(6, 3, 2, 19, 0, 7, 9, 11, 1, 8, 10, 12, 4, 13, 15, 17, 5, 14, 16, 18),
    left_out=dict.fromkeys(
        (
            "a07_s04_e01",
            "a13_s02_e02",
            "a13_s06_e01",
            "a13_s06_e02",
            "a13_s09_e02",
            "a20_s02_e01",
            "a20_s02_e02",
            "a20_s02_e03",
            "a20_s06_e01",
            "a20_s08_e02",
        ),
        LOST,
    ),
)
