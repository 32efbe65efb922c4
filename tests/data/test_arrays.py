"""Arrays in files that somebody writes to: rows as the array has them, and one line where there is nothing to read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ctrgcn_plugin.data import arrays
from ctrgcn_plugin.errors import ClipError

SHAPES = hnp.array_shapes(min_dims=1, max_dims=5, max_side=6)
KINDS = st.sampled_from(["<f4", ">f4", "<f8", "<i2", "|u1", "|b1"])


def stored(folder: Path, array: np.ndarray) -> Path:
    np.save(folder / "array.npy", array)
    return folder / "array.npy"


@settings(max_examples=60, deadline=None)
@given(array=st.tuples(KINDS, SHAPES).flatmap(lambda kind: hnp.arrays(*kind)), fortran=st.booleans(), data=st.data())
def test_rows_are_those_of_the_array(tmp_path_factory, array, fortran, data):
    array = np.asfortranarray(array) if fortran else array
    rows = arrays.Rows(stored(tmp_path_factory.mktemp("rows"), array))
    assert len(rows) == len(array)
    index = data.draw(st.integers(-len(array), len(array) - 1))
    assert rows[index].tobytes() == array[[index]].tobytes()
    assert rows[index].dtype == array.dtype and rows[index].shape == array.shape[1:]
    with pytest.raises(IndexError):
        rows[len(array)]
    # whoever gets a row may write to it
    rows[index][...] = 0
    assert rows[index].tobytes() == array[[index]].tobytes()


@pytest.fixture
def clips() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((6, 3, 40, 25, 2)).astype("float32")


def test_a_shortened_file_has_the_rows_that_are_left(tmp_path, clips):
    file = stored(tmp_path, clips)
    rows = arrays.Rows(file)
    os.truncate(file, file.stat().st_size - clips[0].nbytes // 2)
    assert (rows[4] == clips[4]).all()
    with pytest.raises(ClipError, match=r"row 5 of .*array.npy is not there any more: the file was shortened"):
        rows[5]
    os.truncate(file, 0)
    with pytest.raises(ClipError, match="row 0"):
        rows[0]


@pytest.mark.parametrize("what", ["removed", "replaced"])
def test_rows_of_a_file_without_its_name_stay(tmp_path, clips, what):
    file = stored(tmp_path, clips)
    rows = arrays.Rows(file)
    if what == "removed":
        file.unlink()
    else:
        np.save(tmp_path / "new.npy", clips[:2, :, :7] + 1)
        (tmp_path / "new.npy").replace(file)
    assert all((rows[index] == clip).all() for index, clip in enumerate(clips))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="reads /proc")
def test_rows_leave_no_file_open(tmp_path, clips):
    file = stored(tmp_path, clips)
    mine = Path("/proc/self/fd")
    before = set(mine.iterdir())
    rows = [arrays.Rows(file) for _ in range(5)]
    assert len(set(mine.iterdir()) - before) == 5
    del rows
    assert set(mine.iterdir()) <= before


def test_a_small_array_does_not_need_its_file_any_more(tmp_path, clips, monkeypatch):
    """A look at a map of a file that was shortened would end this process."""
    file = stored(tmp_path, clips)
    array = arrays.opened(file)
    os.truncate(file, 0)
    assert (array == clips).all()
    file = stored(tmp_path, clips)
    monkeypatch.setattr(arrays, "AT_ONCE", file.stat().st_size - 1)
    assert isinstance(arrays.opened(file), np.memmap) and (arrays.opened(file) == clips).all()


@pytest.mark.parametrize("at_once", [0, arrays.AT_ONCE], ids=["mapped", "read"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_files_are_refused_in_one_line(tmp_path_factory, at_once, data):
    folder = tmp_path_factory.mktemp("damaged")
    whole = stored(folder, np.zeros((2, 3), "float32")).read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    place, byte = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 255))
    damaged = bytearray(whole)
    damaged[place] = byte
    file = folder / "array.npy"
    file.write_bytes(bytes(damaged[:cut]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays, "AT_ONCE", at_once)
        try:
            assert isinstance(arrays.opened(file), np.ndarray)
        except ClipError as error:
            assert "\n" not in str(error) and str(file) in str(error)
