"""Writers of weight files, one for each format: each takes arrays by name, and an open file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np

from ctrgcn_plugin.convert import torch_files
from ctrgcn_plugin.environment import require_library
from ctrgcn_plugin.errors import unknown
from ctrgcn_plugin.files import replacing

State = Mapping[str, np.ndarray]


def write(state: State, path: Path) -> None:
    """Write arrays in the format that the path's suffix says."""
    writer = writer_of(path)
    with replacing(path) as file:
        writer(state, file)


def writer_of(path: Path) -> Callable[[State, IO[bytes]], None]:
    """The writer for a path; a ConfigError for a suffix that has none."""
    suffix = path.suffix.lower()
    if suffix not in WRITERS:
        raise unknown("format of weights", suffix, WRITERS, "ctrgcn export writes ONNX.")
    return WRITERS[suffix]


def _write_paddle(state: State, file: IO[bytes]) -> None:
    import paddle

    content = BytesIO()  # of open files Paddle takes no other
    paddle.save({key: paddle.to_tensor(value) for key, value in state.items()}, content)
    file.write(content.getbuffer())


def _write_safetensors(state: State, file: IO[bytes]) -> None:
    library = require_library("safetensors.numpy", "safetensors", "writing .safetensors")
    # it takes the memory of an array for its values in order
    file.write(library.save({key: np.array(value, order="C") for key, value in state.items()}))


WRITERS = {
    ".pdparams": _write_paddle,
    ".safetensors": _write_safetensors,
    ".pt": torch_files.write,
    ".pth": torch_files.write,
}
