"""Arrays in files, of people who may have given something else."""

from __future__ import annotations

import os
from typing import Union

import numpy as np

from ctrgcn_plugin.errors import ClipError, one_line


def opened(path: Union[str, os.PathLike[str]], what: str = "clip", needed: str = "one clip") -> np.ndarray:
    """The array in a ``.npy`` file, mapped: nothing of it is read yet.

    Args:
        what: the file should be.
        needed: what there should be in it.

    Raises:
        ClipError: there is no array in it.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:
        # NumPy evaluates the header: a damaged one raises whatever its bytes happen to mean
        raise ClipError(f"{what} {path} cannot be read as a .npy file: {one_line(error)}") from error
    if not isinstance(array, np.ndarray):
        raise ClipError(f"{what} {path} is an archive of arrays (.npz); give a .npy file with {needed}")
    return array
