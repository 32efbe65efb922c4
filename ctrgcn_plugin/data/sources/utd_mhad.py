"""UTD-MHAD (Chen et al., "UTD-MHAD: A Multimodal Dataset for Human Action Recognition...", ICIP 2015), as .mat files.

Of 27 actions, 8 subjects and 4 repetitions 861 clips are shared; the authors left three out. A file's ``d_skel`` is
(20, 3, T). The protocol is the authors': subjects with odd numbers train (431 clips), the others test (430).
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ctrgcn_plugin.data.sources import matlab
from ctrgcn_plugin.data.sources.kinect_v1 import Dataset, KinectClips, Protocol


def source(raw: Path) -> KinectClips:
    """The data set in a folder of ``.mat`` files."""
    return KinectClips(raw, UTD_MHAD)


def _parse(file: Path) -> np.ndarray:
    # MATLAB has no third axis of length 1
    return np.moveaxis(np.atleast_3d(matlab.read_array(file, "d_skel")), -1, 0)


UTD_MHAD = Dataset(
    name="UTD-MHAD",
    example="a1_s1_t1_skeleton.mat",
    file_name=re.compile(r"(?P<clip>a(?P<action>\d+)_s(?P<subject>\d+)_t(?P<take>\d+))_skeleton\.mat", re.ASCII),
    classes=dict(
        enumerate(
            (
                "swipe left",
                "swipe right",
                "wave",
                "clap",
                "throw",
                "arm cross",
                "basketball shoot",
                "draw x",
                "draw circle clockwise",
                "draw circle counter clockwise",
                "draw triangle",
                "bowling",
                "boxing",
                "baseball swing",
                "tennis swing",
                "arm curl",
                "tennis serve",
                "push",
                "knock",
                "catch",
                "pick up and throw",
                "jog",
                "walk",
                "sit to stand",
                "stand to sit",
                "lunge",
                "squat",
            ),
            start=1,
        )
    ),
    protocols={"xsub": Protocol("subject", frozenset({1, 3, 5, 7}))},
    parse=_parse,
    # the files begin with head, centre of the shoulders, spine and centre of the hips
    order=(3, 2, 1, 0, *range(4, 20)),
)
