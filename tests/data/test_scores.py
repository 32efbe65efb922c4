"""Score files: read back as written, refused in one line, and counted as a slow loop counts."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrgcn_plugin.data.scores import ScoreError, Scores, class_accuracy, confusion, save_tables, target

VALUES = np.random.default_rng(0).normal(0, 2, (40, 7)).astype("float32")
# nobody does class 5
LABELS = np.random.default_rng(1).choice([0, 1, 2, 3, 4, 6], 40)


def test_read_back(tmp_path: Path) -> None:
    names = np.array([f"clip{number}" for number in range(40)])
    Scores(VALUES.astype("float64"), LABELS, names).save(tmp_path / "new" / "a.npz")
    read = Scores.read(tmp_path / "new" / "a.npz")
    assert read.values.dtype == np.float32
    for found, saved in ((read.values, VALUES), (read.labels, LABELS), (read.names, names)):
        np.testing.assert_array_equal(found, saved)
    Scores(VALUES).save(tmp_path / "b.npz")
    bare = Scores.read(tmp_path / "b.npz")
    assert bare.labels is None and bare.names is None and bare.accuracy() is None
    assert {path.name for path in tmp_path.rglob("*")} == {"new", "a.npz", "b.npz"}


@pytest.mark.parametrize("classes", [7, 3])
def test_accuracy_by_a_loop(classes: int) -> None:
    values, labels = VALUES[:, :classes], LABELS % min(classes, 6)
    ranks = [sorted(range(classes), key=lambda k, row=row: -row[k]) for row in values]
    of_class: dict[int, list[bool]] = {}
    for rank, label in zip(ranks, labels):
        of_class.setdefault(int(label), []).append(rank[0] == label)
    found = Scores(values, labels).accuracy()
    assert found is not None
    assert found.top1 == np.mean([rank[0] == label for rank, label in zip(ranks, labels)])
    assert found.top5 == np.mean([label in rank[:5] for rank, label in zip(ranks, labels)])
    assert found.mean_class == pytest.approx(np.mean([np.mean(right) for right in of_class.values()]))
    assert classes > 5 or found.top5 == 1


def test_tables(tmp_path: Path) -> None:
    taken = confusion(VALUES, LABELS)
    slow = np.zeros((7, 7), int)
    for row, label in zip(VALUES, LABELS):
        slow[label, row.argmax()] += 1
    np.testing.assert_array_equal(taken, slow)
    written = save_tables(tmp_path / "bone.npz", taken)
    assert [path.name for path in written] == ["bone_classes.csv", "bone_confusion.csv"]
    classes, of_pairs = (list(csv.reader(io.StringIO(path.read_text()))) for path in written)
    assert classes[0] == ["class", "clips", "right", "accuracy"] and classes[6] == ["5", "0", "0", ""]
    for number, clips, right, accuracy in classes[1:]:
        assert (int(clips), int(right)) == ((int(number) == LABELS).sum(), slow[int(number), int(number)])
        assert not accuracy or float(accuracy) == pytest.approx(int(right) / int(clips), abs=1e-6)
    assert of_pairs[0] == ["class", *map(str, range(7))]
    assert [list(map(int, row[1:])) for row in of_pairs[1:]] == slow.tolist()
    np.testing.assert_array_equal(np.isnan(class_accuracy(taken)), np.arange(7) == 5)


def saved(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


NAN = VALUES.copy()
NAN[3, 1] = np.nan


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        ({"values": VALUES}, r"a\.npz has no scores; it has values, and a \.npz of scores"),
        ({}, "has no scores; it has nothing"),
        ({"scores": VALUES[0]}, r"have shape \(7,\) of float32; numbers \(N, K\) are needed"),
        ({"scores": VALUES[:0]}, r"have shape \(0, 7\)"),
        ({"scores": VALUES.astype(str)}, "numbers .* are needed"),
        ({"scores": NAN}, r"NaN or infinite for 1 of 40 clips, the first is 3 \(from 0\)"),
        ({"scores": VALUES, "labels": LABELS[1:]}, r"labels of .* have shape \(39,\) of int64"),
        ({"scores": VALUES, "labels": LABELS / 2}, "labels of .* of float64"),
        ({"scores": VALUES, "labels": LABELS + 1}, "labels of .* go from 1 to 7; scores are of 7 classes"),
        ({"scores": VALUES, "names": LABELS}, "names of .* of int64"),
        ({"scores": np.array([{}])}, "cannot be read: .*allow_pickle"),
    ],
)
def test_refuses(arrays: dict[str, Any], match: str, tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match=match) as caught:
        Scores.read(saved(tmp_path / "a.npz", **arrays))
    assert "\n" not in str(caught.value)


def test_where_there_is_none_and_where_none_can_be(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match=r"no scores at .*none\.npz; a test saves them where its config has METRIC"):
        Scores.read(tmp_path / "none.npz")
    (tmp_path / "file").write_text("")
    for path, match in ((tmp_path / "a.csv", r"give a path that ends with \.npz"), (3, "cannot be saved as 3"),
                        (tmp_path / "file" / "a.npz", "cannot write .*: .*; give another file")):  # fmt: skip
        with pytest.raises(ScoreError, match=match):
            target(path)  # type: ignore[arg-type]
    (tmp_path / "taken.npz").mkdir()
    with pytest.raises(ScoreError, match=r"cannot write .*taken\.npz: Is a directory"):
        Scores(VALUES).save(tmp_path / "taken.npz")
    assert {path.name for path in tmp_path.iterdir()} == {"file", "taken.npz"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("scores") / "a.npz", scores=VALUES, labels=LABELS)


@settings(max_examples=100, deadline=None)
@given(place=st.integers(0, 10_000), new=st.binary(max_size=6), cut=st.booleans())
def test_a_damaged_file(whole: Path, place: int, new: bytes, cut: bool) -> None:
    content = whole.read_bytes()
    place %= len(content)
    damaged = whole.with_name("damaged.npz")
    damaged.write_bytes(content[:place] + new + (b"" if cut else content[place + len(new) :]))
    try:
        read = Scores.read(damaged)
    except ScoreError as error:
        assert "\n" not in str(error)
    else:
        assert np.isfinite(read.values).all()
