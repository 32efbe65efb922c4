"""Clips of a test that are also among those a network was trained on: its answers to them tell nothing of new ones."""

from __future__ import annotations

import hashlib

import numpy as np

from ctrgcn_plugin.data.checking.facts import measure
from ctrgcn_plugin.data.checking.leaks import first_equal
from ctrgcn_plugin.data.prepared import AnyPath, open_clips


def in_training(test: AnyPath, train: AnyPath) -> np.ndarray:
    """(N,) bool: which clips of the one data file are byte for byte in the other, whatever their padding.

    Of all clips only the first frame is read, and the rest of those that are equal in it. Empty clips do not count.
    """
    tested, trained = open_clips(test), open_clips(train)
    starts, others = _starts(tested), _starts(trained)
    rows, among = (np.flatnonzero(first_equal(*pair) >= 0) for pair in ((starts, others), (others, starts)))
    found = np.zeros(len(tested), bool)
    contents, frames = _contents(tested, rows)
    found[rows] = (first_equal(contents, _contents(trained, among)[0]) >= 0) & (frames > 0)
    return found


def _starts(clips: np.ndarray) -> np.ndarray:
    """(N,) a hash of each clip's first frame."""
    first = np.asarray(clips[:, :, 0], np.float32)
    return np.array([_hash(np.ascontiguousarray(frame)) for frame in first], np.uint64)


def _hash(values: np.ndarray) -> int:
    return int.from_bytes(hashlib.sha256(values.tobytes() + bytes(str(values.shape), "ascii")).digest()[:8], "little")


def _contents(clips: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(R,) each: a hash of these clips, and how many frames they have."""
    facts = [measure(clips[row]) for row in rows]
    return np.array([fact.content for fact in facts], np.uint64), np.array([fact.frames for fact in facts], np.int64)
