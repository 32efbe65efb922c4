"""Plain arrays and tables: the documented shapes are read, others refused, whatever is in a file."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctrgcn_plugin import layouts
from ctrgcn_plugin.data.prepare.source import Recording
from ctrgcn_plugin.data.sources import plain
from ctrgcn_plugin.errors import ClipError

COCO = layouts.get("coco")
V = COCO.num_joints


def clip(frames: int = 3, persons: int = 2, dimensions: int = 3, seed: int = 0) -> np.ndarray:
    """(T, M, V, C), nothing of it zero; rounded, so that it is the same after writing."""
    return np.random.default_rng(seed).uniform(1, 9, (frames, persons, V, dimensions)).round(4)


def table(people: np.ndarray, names: tuple[str, ...] = COCO.joints) -> list[list[str]]:
    """Rows of text for (T, M, V, C)."""
    frames, persons, _, dimensions = people.shape
    header = ["frame", "person", *(f"{name}_{axis}" for name in names for axis in "xyz"[:dimensions])]
    rows = [[str(t), f"p{m}", *map(str, people[t, m].ravel())] for t in range(frames) for m in range(persons)]
    return [header, *rows]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "labels.csv").write_text("clip,label,split\na,wave,train\nb,wave,val\n")
    (tmp_path / "raw").mkdir()
    return tmp_path


def write(folder: Path, name: str, content: np.ndarray | list[list[str]]) -> Path:
    path = folder / "raw" / name
    if isinstance(content, np.ndarray):
        np.save(path, content)
    else:
        path.write_text("\n".join(",".join(row) for row in content))
    return path


def source(folder: Path, **options):
    return plain.source(folder / "raw", labels=folder / "labels.csv", layout="coco", **options)


def as_read(path: Path, persons: int = 2) -> np.ndarray:
    """(T, M, V, C) of a file before anything is moved or filled."""
    return plain._parse(path, COCO, persons).positions.transpose(1, 3, 2, 0)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_shapes_of_arrays(folder: Path, dimensions: int) -> None:
    several = clip(dimensions=dimensions)
    np.testing.assert_array_equal(as_read(write(folder, "several.npy", several)), several)
    np.testing.assert_array_equal(as_read(write(folder, "one.npy", several[:, 0])), several[:, :1])


@pytest.mark.parametrize("dimensions", [2, 3])
def test_tables(folder: Path, dimensions: int) -> None:
    people = clip(dimensions=dimensions)
    rows = table(people)
    np.testing.assert_array_equal(as_read(write(folder, "names.csv", rows)), people)
    np.testing.assert_array_equal(as_read(write(folder, "turned.csv", [row[::-1] for row in rows])), people)
    numbers = table(people, tuple(map(str, range(V))))
    np.testing.assert_array_equal(as_read(write(folder, "numbers.csv", numbers)), people)
    alone = [[row[0], *row[2:]] for row in table(people[:, :1])]
    np.testing.assert_array_equal(as_read(write(folder, "alone.csv", alone)), people[:, :1])


def test_what_a_table_leaves_out_is_missing(folder: Path) -> None:
    people = clip(frames=4)
    header, *rows = table(people)
    rows[0][2], rows[1][3] = "", "NaN"
    # frame 2 of the second person, and frame 1 of both
    del rows[5], rows[2:4]
    people[0, 0, 0, 0], people[0, 1, 0, 1] = np.nan, np.nan
    people[2, 1], people[1] = np.nan, np.nan
    np.testing.assert_array_equal(as_read(write(folder, "a.csv", [header, *rows[::-1]]))[:, ::-1], people)


def test_more_persons_than_wanted_are_told(folder: Path) -> None:
    people = clip(persons=3)
    for path in (write(folder, "a.npy", people), write(folder, "b.csv", table(people))):
        np.testing.assert_array_equal(as_read(path), people[:, :2])
        assert plain._parse(path, COCO, 2).notes == ["1 of 3 persons left out"]


def test_all_clips_are_2d_or_all_3d(folder: Path) -> None:
    write(folder, "a.npy", clip(dimensions=3))
    write(folder, "b.npy", clip(dimensions=2))
    clips = source(folder)
    assert (clips.describe().coordinates, clips.describe().unit) == (3, "as recorded")
    (rows,) = (protocol["val"] for protocol in clips.protocols().values())
    with pytest.raises(ClipError, match=r"b\.npy has 2 coordinates where the first clip has 3"):
        clips.read(rows[0])


def test_a_damaged_first_clip_does_not_decide(folder: Path) -> None:
    (folder / "raw" / "a.npy").write_bytes(b"damaged")
    write(folder, "b.npy", clip(dimensions=2))
    assert source(folder).describe().coordinates == 2
    (folder / "raw" / "b.npy").write_bytes(b"damaged")
    with pytest.raises(ClipError, match=r"a\.npy cannot be read"):
        source(folder)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 40, V, 2)), r"no more persons M than frames T; if it is \(C, T, V, M\), save"),
        (np.zeros((40, V, 4)), r"shape \(40, 17, 4\); layout 'coco' needs \(T, 17, C\) or \(T, M, 17, C\)"),
        (np.zeros((40, 25, 3)), r"needs \(T, 17, C\)"),
        (np.zeros(5), "has shape"),
        (np.array(["a"]), "no array of numbers"),
        (np.zeros((3, V, 3), complex), "no array of numbers"),
        (np.array([{}]), "cannot be read as a .npy file"),
    ],
)
def test_other_arrays_are_refused(folder: Path, array: np.ndarray, message: str) -> None:
    with pytest.raises(ClipError, match=message) as error:
        as_read(write(folder, "a.npy", array))
    assert "a.npy" in str(error.value)


def change(row: int, column: int, cell: str):
    def _change(rows: list[list[str]]) -> None:
        rows[row][column] = cell

    return _change


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (change(2, 3, "1,5"), r"a\.csv, line 3 has 37 columns where the header has 36"),
        (change(2, 3, "one"), r"a\.csv, line 3 has 'one' as 'nose_y'; a number"),
        (change(2, 3, "1e400"), "line 3 has '1e400' as 'nose_y'"),
        (change(2, 0, "1.5"), "line 3 has '1.5' as 'frame'; a whole number"),
        (change(2, 0, "9" * 30), "'frame'; a whole number"),
        (change(2, 0, "999999999"), "number them one by one"),
        (change(2, 1, "p0"), "line 3 has the frame and the person of line 2"),
        (change(0, 1, "nobody"), r"a\.csv has a column 'nobody'; layout 'coco' needs frame, person"),
        (change(0, 0, "person"), "names column 'person' twice"),
        (change(0, 0, "time"), "no column 'frame' and a column 'time'"),
        (change(0, 2, "nase_x"), "no column 'nose_x' and a column 'nase_x'"),
        (change(0, 2, "0_z"), "no column 'nose_x'"),
        (lambda rows: rows.__delitem__(slice(1, None)), "no row below its header"),
        (lambda rows: rows.clear(), "no column 'frame'"),
    ],
)
def test_mistakes_in_tables_are_named(folder: Path, damage, message: str) -> None:
    rows = table(clip(dimensions=2))
    damage(rows)
    with pytest.raises(ClipError, match=message):
        as_read(write(folder, "a.csv", rows))


def test_a_second_row_for_a_frame_without_persons(folder: Path) -> None:
    rows = [[row[0], *row[2:]] for row in table(clip())]
    with pytest.raises(ClipError, match="line 3 has .* of line 2; name persons in a column 'person'"):
        as_read(write(folder, "a.csv", rows))


def _bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


WHOLE = {
    ".npy": _bytes(clip(frames=2, persons=1, dimensions=2)),
    ".csv": "\n".join(",".join(row) for row in table(clip(frames=2, persons=1, dimensions=2))).encode(),
}


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Cut off, or with some bytes replaced."""
    content = bytearray(whole[: draw(st.integers(0, len(whole)))] if draw(st.booleans()) else whole)
    for _ in range(draw(st.integers(0, 4)) if content else 0):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content)


@given(st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("suffix", WHOLE)
@pytest.mark.filterwarnings("ignore:Reading .npy")
def test_whatever_is_in_a_file(folder: Path, suffix: str, data: st.DataObject) -> None:
    write(folder, "a.npy", clip(dimensions=2))
    write(folder, "b.npy", clip(dimensions=2))
    clips = source(folder)
    path = folder / "raw" / f"damaged{suffix}"
    path.write_bytes(data.draw(st.one_of(st.binary(max_size=100), damaged(WHOLE[suffix]))))
    try:
        values = clips.read(Recording("damaged", 0, path)).clip
    except ClipError as error:
        assert "\n" not in str(error)
    else:
        assert values.shape[2:] == (V, 1)
        assert np.isfinite(values).all()
