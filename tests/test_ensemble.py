"""Fusing streams: equal to a slow loop, over the same clips only, as a table and as a score file."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Optional

import numpy as np
import pytest

from ctrgcn_plugin import ensemble
from ctrgcn_plugin.data.scores import ScoreError, Scores, softmax
from ctrgcn_plugin.errors import UserError

CLIPS, CLASSES = 30, 8
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, CLASSES, CLIPS)
NAMES = np.array([f"S001A{number:03d}" for number in range(CLIPS)])
# the second stream's scores are ten times as large, as another recipe's may be
VALUES = [scale * (RNG.normal(0, 1, (CLIPS, CLASSES)) + np.eye(CLASSES)[LABELS]) for scale in (1, 10, 3)]


def saved(path: Path, number: int = 0, labels: Any = LABELS, names: Any = NAMES, values: Any = None) -> Path:
    Scores(VALUES[number] if values is None else values, labels, names).save(path)
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [saved(tmp_path / f"{name}.npz", number) for number, name in enumerate(("joint", "bone", "motion"))]


def by_a_loop(values: list[np.ndarray], weights: list[float], raw: bool) -> np.ndarray:
    fused = np.zeros((CLIPS, CLASSES))
    for stream, weight in zip(values, weights):
        for clip in range(CLIPS):
            row = [float(np.float32(score)) for score in stream[clip]]
            total = sum(math.exp(score - max(row)) for score in row)
            for label in range(CLASSES):
                share = row[label] if raw else math.exp(row[label] - max(row)) / total / sum(weights)
                fused[clip, label] += weight * share
    return fused


@pytest.mark.parametrize("raw", [False, True], ids=["probabilities", "scores"])
@pytest.mark.parametrize("weights", [None, [0.6, 0.6, 0.4], [1, 0, 3]])
def test_equal_to_a_loop(weights: Optional[list[float]], raw: bool, files: list[Path], tmp_path: Path) -> None:
    fused = ensemble.fuse(files, weights, raw=raw)
    wanted = by_a_loop(VALUES, weights or [1, 1, 1], raw)
    found = fused.scores.values if raw else softmax(fused.scores.values)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    assert fused.accuracy is not None
    assert fused.accuracy.top1 == (wanted.argmax(1) == LABELS).mean()
    assert [stream.accuracy for stream in fused.streams] == [Scores.read(file).accuracy() for file in files]
    # what is saved is a score file as any other, of the same probabilities
    fused.save(tmp_path / "fused.npz")
    again = ensemble.fuse([tmp_path / "fused.npz"], raw=raw)
    np.testing.assert_allclose(again.scores.values, fused.scores.values, rtol=1e-5, atol=1e-5)
    assert again.accuracy == fused.accuracy
    np.testing.assert_array_equal(Scores.read(tmp_path / "fused.npz").names, NAMES)


def test_probabilities_give_no_stream_more_say_than_its_weight(tmp_path: Path) -> None:
    """Two sure networks against one whose scores are a hundred times as large."""
    sure, loud = np.array([[8.0, 0.0]]), np.array([[0.0, 800.0]])
    files = [saved(tmp_path / f"{n}.npz", labels=None, names=None, values=v) for n, v in enumerate((sure, sure, loud))]
    assert ensemble.fuse(files).scores.values.argmax() == 0
    assert ensemble.fuse(files, raw=True).scores.values.argmax() == 1


def test_the_table(files: list[Path]) -> None:
    fused = ensemble.fuse(files, [0.6, 0.6, 0.4])
    head, *rows, total, size = fused.lines()
    assert head.split() == ["stream", "weight", "top-1", "top-5", "mean", "class"]
    assert [row.split()[:2] for row in rows] == [[str(file), w] for file, w in zip(files, ("0.6", "0.6", "0.4"))]
    assert total.split() == ["fused", *(f"{share:.2%}" for share in fused.accuracy or ())]
    assert len({len(line) for line in (head, *rows, total)}) == 1
    assert size == "30 clips, 8 classes"
    told = json.loads(fused.as_json())
    assert told["streams"][0]["weight"] == 0.6 and told["streams"][0]["file"] == str(files[0])
    assert told["fused"] == fused.accuracy._asdict()  # type: ignore[union-attr]


def test_names_and_labels_of_any_file_count_for_all(tmp_path: Path) -> None:
    parts = [saved(tmp_path / "a.npz", 0, None), saved(tmp_path / "b.npz", 1, LABELS, None)]
    fused = ensemble.fuse(parts)
    np.testing.assert_array_equal(fused.scores.labels, LABELS)
    np.testing.assert_array_equal(fused.scores.names, NAMES)
    assert all(stream.accuracy for stream in fused.streams)


def test_without_labels(tmp_path: Path) -> None:
    parts = [saved(tmp_path / f"{number}.npz", number, None, None) for number in range(2)]
    fused = ensemble.fuse(parts)
    assert fused.accuracy is None and json.loads(fused.as_json())["fused"] is None
    assert fused.lines()[-2:] == [
        "no file has labels: there is no accuracy",
        "no file has names either: that all are of the same clips cannot be checked",
    ]
    fused.save(tmp_path / "fused.npz")
    assert Scores.read(tmp_path / "fused.npz").labels is None


OTHERS = {
    "clips": ({"values": VALUES[0][1:], "labels": None, "names": None}, "29 clips of 8 classes, but .* 30 clips"),
    "classes": ({"values": VALUES[0][:, :7], "labels": LABELS % 7}, "30 clips of 7 classes, but"),
    "order": (
        {"names": np.roll(NAMES, 1)},
        r"names of .* differ .* at clip 0 \(from 0\): S001A029 and S001A000",
    ),
    "labels": ({"names": None, "labels": np.where(np.arange(CLIPS) == 4, (LABELS + 1) % 8, LABELS)}, "labels of .* 4 "),
}


@pytest.mark.parametrize("case", OTHERS)
def test_other_clips(case: str, files: list[Path], tmp_path: Path) -> None:
    arrays, match = OTHERS[case]
    other = saved(tmp_path / "other.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(ScoreError, match=match) as caught:
        ensemble.fuse([files[0], other])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("weights", "match"),
    [
        ([1, 2], "2 weights for 3 score files; give one for each"),
        ([1, -1, 1], "not negative, and not all zero; got 1, -1, 1"),
        ([0, 0, 0], "not all zero"),
        ([1, float("nan"), 1], "must be finite"),
    ],
)
def test_weights(weights: list[float], match: str, files: list[Path]) -> None:
    with pytest.raises(UserError, match=match):
        ensemble.fuse(files, weights)
    with pytest.raises(UserError, match="no score files to fuse"):
        ensemble.fuse([])
