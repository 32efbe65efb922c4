"""An array of numbers in a MATLAB file of version 5, which is what ``save`` writes up to ``-v7``.

Format: "MAT-File Format", The MathWorks, chapter 1. SciPy reads it as well, but a wrong type of a part makes its
``loadmat`` look outside its tables, and ends the process (SciPy 1.17).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ctrgcn_plugin.errors import ClipError, one_line

HEADER = 128  # bytes
# version and byte order, at the end of the header
ORDERS = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}
LARGEST = 2**28  # bytes; a clip is far from it

MATRIX, COMPRESSED = 14, 15
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
NUMERIC = range(6, 16)  # classes of arrays that are no cells, structures or text
COMPLEX = 0x800


class Element(NamedTuple):
    """A part of a file: `kind` is one of :data:`NUMBERS`, :data:`MATRIX`, :data:`COMPRESSED` or something else."""

    kind: int
    data: bytes


def read_array(file: Path, name: str) -> np.ndarray:
    """The array called `name`, with at least two axes, which are MATLAB's.

    Raises:
        ClipError: there is no such array of real numbers, or the file is damaged or of another version.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ClipError(f"clip {file} cannot be read: {one_line(error)}") from error
    order = ORDERS.get(content[HEADER - 4 : HEADER])
    if order is None:
        raise ClipError(f"clip {file} is no MATLAB file of version 5; save it with -v7")
    try:
        for element in _elements(content[HEADER:], order):
            if element.kind == COMPRESSED:
                element = next(_elements(_inflated(element.data), order))
            array = _array(element.data, order, name) if element.kind == MATRIX else None
            if array is not None:
                return array
    except Exception as error:
        # a damaged file raises whatever its bytes happen to mean
        raise ClipError(f"clip {file} is damaged: {one_line(error) or 'it ends too early'}") from error
    raise ClipError(f"clip {file} has no array of numbers called {name}")


def _elements(content: bytes, order: str) -> Iterator[Element]:
    at = 0
    while at < len(content):
        kind, size = struct.unpack_from(f"{order}2I", content, at)
        start = at + 8
        if kind >> 16:
            # a small one: its size is in the upper half, its data where else the size is
            kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
        at = start + size
        if at > len(content):
            raise ValueError(f"a part of {size} bytes where {len(content) - start} are left")
        yield Element(kind, content[start:at])
        if kind != COMPRESSED:
            at += -at % 8


def _inflated(data: bytes) -> bytes:
    stream = zlib.decompressobj()
    content = stream.decompress(data, LARGEST)
    if not stream.eof:
        raise ValueError("its compressed array ends too early or is too large")
    return content


def _array(data: bytes, order: str, name: str) -> np.ndarray | None:
    """The array in a matrix element; None for one of another name, or that is none of real numbers."""
    parts = _elements(data, order)
    flags = int(_numbers(next(parts), order)[0])
    shape = _numbers(next(parts), order)
    if next(parts).data != name.encode() or flags & 0xFF not in NUMERIC or flags & COMPLEX:
        return None
    return _numbers(next(parts), order).reshape(shape, order="F")


def _numbers(element: Element, order: str) -> np.ndarray:
    if element.kind not in NUMBERS:
        raise ValueError(f"a part of type {element.kind} where numbers are needed")
    return np.frombuffer(element.data, np.dtype(order + NUMBERS[element.kind]))
