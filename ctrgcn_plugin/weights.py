"""Readers of weight files, one for each format; none runs code that a file brings.

Each takes a path and gives name -> array. What a library raises at a damaged file is left to the caller.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ctrgcn_plugin import unpickling
from ctrgcn_plugin.errors import CheckpointError

# bookkeeping that paddle.save adds to a state dict
PADDLE_NAMES = "StructuredToParameterName@@"
# safetensors' names of what NumPy has as well
SAFETENSORS_TYPES = {
    **{f"F{8 * size}": f"<f{size}" for size in (2, 4, 8)},
    **{f"{kind.upper()}{8 * size}": f"<{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)},
    "BOOL": "?",
}


def read_paddle(path: Path) -> dict[str, np.ndarray]:
    """``.pdparams``: a state dict as ``paddle.save`` pickles it."""
    with path.open("rb") as file:
        content = unpickling.load(file, encoding="latin1")
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{path} holds a {type(content).__name__}, not a state dict")
    arrays = {}
    for key, value in content.items():
        if key == PADDLE_NAMES:
            continue
        value = value[1] if isinstance(value, tuple) and len(value) == 2 else value
        if not isinstance(value, np.ndarray):
            raise CheckpointError(f"{path}: {key!r} is a {type(value).__name__}, not an array; is it a state dict?")
        arrays[key] = value
    return arrays


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """``.safetensors``; bfloat16 as float32."""
    library = _library("safetensors", path, "pip install safetensors")
    return {
        name: _of_safetensors(tensor["dtype"], tensor["data"]).reshape(tensor["shape"])
        for name, tensor in library.deserialize(path.read_bytes())
    }


def _of_safetensors(kind: str, data: bytes) -> np.ndarray:
    # the library's own reader for NumPy refuses it
    if kind == "BF16":
        return from_bfloat16(np.frombuffer(data, "<u2"))
    if kind not in SAFETENSORS_TYPES:
        raise TypeError(f"it holds values of type {kind}")
    return np.frombuffer(data, SAFETENSORS_TYPES[kind])


def from_bfloat16(bits: np.ndarray) -> np.ndarray:
    """The float32 values of bfloat16, which NumPy has not, from their bits as uint16: the upper half of a float32's."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def read_onnx(path: Path) -> dict[str, np.ndarray]:
    """``.onnx``: the graph's initializers. Files beside it, which its text could place anywhere, are not opened."""
    onnx = _library("onnx", path, 'pip install "ctrgcn-plugin[onnx]"')
    numpy_helper = importlib.import_module("onnx.numpy_helper")
    tensors = onnx.load_model_from_string(path.read_bytes()).graph.initializer
    # what is no ONNX file, an empty one above all, may well be read as a model without anything
    if not tensors:
        raise CheckpointError(f"{path} holds no weights; is it an ONNX model?")
    for tensor in tensors:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise CheckpointError(
                f"{path} has {tensor.name!r} in another file, which is not read; save it with all weights in one file"
            )
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in tensors}


def _library(name: str, path: Path, advice: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise CheckpointError(f"{path} cannot be read without {name} ({error}); {advice}") from error
