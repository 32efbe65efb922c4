"""Arrays in files, of people who may have given something else."""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from typing import Union

import numpy as np

from ctrgcn_plugin.errors import ClipError, one_line

AnyPath = Union[str, "os.PathLike[str]"]

AT_ONCE = 1 << 26  # bytes: an hour of two persons


def opened(path: AnyPath, what: str = "clip", needed: str = "one clip") -> np.ndarray:
    """The array in a ``.npy`` file; of a file of more than :data:`AT_ONCE` bytes mapped, nothing of it is read yet.

    What is small is read: to look at a map of a file that somebody shortens ends the process with SIGBUS.

    Args:
        what: the file should be.
        needed: what there should be in it.

    Raises:
        ClipError: there is no array in it.
    """
    try:
        small = Path(path).stat().st_size <= AT_ONCE
        array = np.load(path, mmap_mode=None if small else "r", allow_pickle=False)
    except Exception as error:
        # NumPy evaluates the header: a damaged one raises whatever its bytes happen to mean
        raise ClipError(f"{what} {path} cannot be read as a .npy file: {one_line(error)}") from error
    if not isinstance(array, np.ndarray):
        raise ClipError(f"{what} {path} is an archive of arrays (.npz); give a .npy file with {needed}")
    return array


class Rows:
    """What an array in a ``.npy`` file has along its first axis, each read when it is asked for.

    A file that loses its name or is replaced meanwhile is read on as it was. The object is not for pickling.

    Args:
        path: a file in which :func:`opened` has found an array.
    """

    def __init__(self, path: AnyPath) -> None:
        self._path = path
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        self._whole = None
        if not array.flags.c_contiguous:
            # in Fortran's order a row is all over the file
            self._whole = np.load(path, allow_pickle=False)
        elif not hasattr(os, "preadv"):
            # Windows does not let anybody shorten a file that is mapped
            self._whole = np.asarray(array)
        self._shape, self._dtype, self._offset = array.shape, array.dtype, array.offset
        file = Path(path).open("rb", buffering=0)  # noqa: SIM115, closed with the object
        weakref.finalize(self, file.close)
        self._file = file.fileno()

    def __len__(self) -> int:
        return self._shape[0]

    def __getitem__(self, index: int) -> np.ndarray:
        """A row, as an array of its own.

        Raises:
            IndexError: there is no such row.
            ClipError: the file has become shorter, or cannot be read any more.
        """
        index = range(len(self))[index]
        if self._whole is not None:
            return self._whole[index].copy()
        row = np.empty(self._shape[1:], self._dtype)
        try:
            # in one call, so that processes that share the file do not move its position for each other
            read = os.preadv(self._file, [row.data], self._offset + index * row.nbytes)
        except OSError as error:
            raise ClipError(f"row {index} of {self._path} cannot be read: {error.strerror}") from error
        if read < row.nbytes:
            raise ClipError(
                f"row {index} of {self._path} is not there any more: the file was shortened or is being written anew; "
                "let nothing write to data that are in use"
            )
        return row
