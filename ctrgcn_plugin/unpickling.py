"""Unpickles arrays and plain containers, and nothing that could run code."""

from __future__ import annotations

import pickle
from typing import Any, BinaryIO

PLAIN = ("tuple", "bytes", "bytearray", "set", "frozenset")


class Refused(pickle.UnpicklingError):
    """A pickle wants something that is neither an array nor a plain container; the message names it."""


class ArraysOnly(pickle.Unpickler):
    """An unpickler that knows no other names than those of arrays and plain containers."""

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


class Inert:
    """Stands for an object that is not made: takes whatever a pickle does to it, and does nothing.

    Attributes:
        wanted: the object's type or function, as the pickle names it.
    """

    wanted = ""

    def __new__(cls, *_: Any, **__: Any) -> Inert:
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def _nothing(self, *_: Any, **__: Any) -> Inert:
        return self

    __call__ = __setstate__ = __setitem__ = append = extend = add = _nothing


def inert(module: str, name: str) -> type[Inert]:
    """What :meth:`ArraysOnly.find_class` of a subclass may give for a name whose objects are not needed."""
    return type(Inert.__name__, (Inert,), {"wanted": f"{module}.{name}"})


def load(file: BinaryIO, encoding: str = "ASCII") -> Any:
    """What is pickled in an open file.

    Args:
        encoding: of the texts in a pickle of Python 2, as ``pickle.load`` takes it.

    Raises:
        Refused: it would run code. A damaged pickle raises whatever its bytes happen to mean.
    """
    return ArraysOnly(file, encoding=encoding).load()
