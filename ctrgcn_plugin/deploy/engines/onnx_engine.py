"""ONNX Runtime on CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import numpy as np

from ctrgcn_plugin.deploy.engines.base import EngineError
from ctrgcn_plugin.errors import one_line

# of ONNX Runtime's log: errors
ERRORS_ONLY = 3


class OnnxEngine:
    """An ONNX model in ONNX Runtime.

    Args:
        model_file: ``.onnx``.
        threads: of the CPU, for one run; the engine's own choice, all cores, where it is None.
    """

    def __init__(self, model_file: Path, *, threads: Optional[int] = None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = ERRORS_ONLY
        if threads is not None:
            options.intra_op_num_threads = threads
        self.model_file = model_file
        try:
            self._session = onnxruntime.InferenceSession(str(model_file), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its C++ code has classes of its own for each status
            raise EngineError(f"{model_file} cannot be loaded: {_one_line(error)}") from error
        self._input = self._session.get_inputs()[0].name

    def run(self, x: np.ndarray) -> np.ndarray:
        try:
            (scores,) = self._session.run(None, {self._input: np.ascontiguousarray(x, dtype=np.float32)})
        except Exception as error:
            raise EngineError(f"{self.model_file} does not run on clips {x.shape}: {_one_line(error)}") from error
        return np.asarray(scores)


def _one_line(error: Exception) -> str:
    return one_line(error)
