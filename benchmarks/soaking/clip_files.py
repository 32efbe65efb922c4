"""Skeletons as files of every format that prediction takes."""

from __future__ import annotations

import io
import json
from itertools import product

import numpy as np

from ctrgcn_plugin import layouts


def as_npy(array: np.ndarray) -> bytes:
    """A ``.npy`` file."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def as_csv(skeleton: layouts.Layout, people: np.ndarray) -> bytes:
    """A table of people (M, T, V, C)."""
    axes = "xyz"[: people.shape[3]]
    lines = [",".join(["frame", "person", *(f"{joint}_{axis}" for joint in skeleton.joints for axis in axes)])]
    for person, frame in product(range(len(people)), range(people.shape[1])):
        lines.append(",".join(map(str, [frame, person, *people[person, frame].ravel().round(5).tolist()])))
    return "\n".join(lines).encode()


def as_skeleton(people: np.ndarray) -> bytes:
    """A ``.skeleton`` file of the first of people (M, T, V, 3)."""
    lines = [str(people.shape[1])]
    for joints in people[0]:
        lines += ["1", "7 0 1 1 1 1 0 0 0 2", str(len(joints))]
        lines += [" ".join([*(f"{value:.6f}" for value in joint), "0 0 0 0 0 0 0 0 2"]) for joint in joints]
    return "\n".join(lines).encode()


def as_coco(people: np.ndarray) -> bytes:
    """Keypoints of people (M, T, V, 2)."""
    sure = np.concatenate([people * 100 + 500, np.ones((*people.shape[:3], 1))], axis=3)
    entries = [
        {"image_id": frame, "keypoints": sure[person, frame].ravel().round(3).tolist()}
        for frame, person in product(range(people.shape[1]), range(len(people)))
    ]
    return json.dumps(entries).encode()
