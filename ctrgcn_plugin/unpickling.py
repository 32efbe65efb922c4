"""Unpickles arrays and plain containers, and nothing that could run code."""

from __future__ import annotations

import pickle
from typing import Any, BinaryIO

PLAIN = ("tuple", "bytes", "bytearray", "set", "frozenset")


class Refused(pickle.UnpicklingError):
    """A pickle wants something that is neither an array nor a plain container; the message names it."""


class _ArraysOnly(pickle.Unpickler):
    ALLOWED = {
        (module, name)
        for module, names in {
            "numpy": ("ndarray", "dtype"),
            "numpy.core.multiarray": ("_reconstruct", "scalar"),
            "numpy._core.multiarray": ("_reconstruct", "scalar"),
            "numpy._core.numeric": ("_frombuffer",),
            "numpy.core.numeric": ("_frombuffer",),
            "_codecs": ("encode",),
            "collections": ("OrderedDict",),
            "builtins": PLAIN,
            "__builtin__": PLAIN,  # the same, in pickle protocols 0 to 2
        }.items()
        for name in names
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.ALLOWED:
            raise Refused(f"it wants to run {module}.{name}, and only arrays are read")
        return super().find_class(module, name)


def load(file: BinaryIO, encoding: str = "ASCII") -> Any:
    """What is pickled in an open file.

    Args:
        encoding: of the texts in a pickle of Python 2, as ``pickle.load`` takes it.

    Raises:
        Refused: it would run code. A damaged pickle raises whatever its bytes happen to mean.
    """
    return _ArraysOnly(file, encoding=encoding).load()
