"""NW-UCLA (Wang et al., "Cross-view Action Modeling, Learning and Recognition", CVPR 2014), as .json files.

The files are those that CTR-GCN's authors and others share as ``all_sqe``: ``skeletons`` in a file is (T, 20, 3).
Their feeder moves each clip to its first frame's spine and stretches each axis to [-1, 1] when it loads it; prepared
data keep their size, as those of NTU RGB+D, and are in metres.

The protocol is the one that is in use: cameras 1 and 2 train, camera 3 tests (1020 and 464 clips). The paper's
cross-subject setting leaves out one subject at a time; no split of that kind is shared, so there is none here.

In the files as they are shared, 95 test clips are equal to a training clip, the same recording by camera 2. The split
is in use with them, so they stay; ``ctrgcn data check`` names them.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ctrgcn_plugin.data.sources import poses
from ctrgcn_plugin.data.sources.kinect_v1 import Dataset, KinectClips, Protocol


def source(raw: Path) -> KinectClips:
    """The data set in a folder of ``.json`` files."""
    return KinectClips(raw, NW_UCLA)


def _parse(file: Path) -> np.ndarray:
    where = f"clip {file}"
    return poses.numbers(poses.member(poses.load(file), "skeletons", list, where), where)


NW_UCLA = Dataset(
    name="NW-UCLA",
    example="a01_s01_e00_v01.json",
    file_name=re.compile(r"(?P<clip>a(?P<action>\d+)_s(?P<subject>\d+)_e(?P<take>\d+)_v(?P<view>\d+))\.json", re.ASCII),
    # the recordings have no actions 7 and 10
    classes={
        1: "pick up with one hand",
        2: "pick up with two hands",
        3: "drop trash",
        4: "walk around",
        5: "sit down",
        6: "stand up",
        8: "donning",
        9: "doffing",
        11: "throw",
        12: "carry",
    },
    protocols={"xview": Protocol("view", frozenset({1, 2}))},
    parse=_parse,
)
