"""Paddle's inference engine around one exported model: loaded once, run from any thread."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Union

import numpy as np
from paddle import inference

from ctrgcn_plugin.errors import UserError

MODEL_SUFFIXES = (".json", ".pdmodel")  # Paddle 3, Paddle 2
PARAMS_SUFFIX = ".pdiparams"
# the settings that a user may meet, and what PaddleEngine's `onednn` is for them
SETTINGS: Mapping[str, bool] = {"default": True, "onednn_off": False}

# a debugging aid that Paddle 3.3's oneDNN kernels still print
_CHATTER = b"ReduceMeanCheckIfOneDNNSupport"
_STDOUT = threading.Lock()


class EngineError(UserError):
    """An exported model is missing, unreadable or does not run."""


class PaddleEngine:
    """An exported model on CPU.

    Args:
        model_file: ``.json`` (Paddle 3) or ``.pdmodel`` (Paddle 2).
        params_file: its ``.pdiparams``.
        onednn: leave Paddle's default, which is oneDNN on, untouched; or switch oneDNN off.
        threads: of the CPU, for one run.
    """

    def __init__(
        self,
        model_file: Union[str, os.PathLike[str]],
        params_file: Union[str, os.PathLike[str]],
        *,
        onednn: bool,
        threads: int = 1,
    ) -> None:
        if threads < 1:
            raise EngineError(f"threads must be at least 1, got {threads}")
        for kind, file in (("model", model_file), ("parameters", params_file)):
            if not Path(file).is_file():
                raise EngineError(f"no {kind} at {file}; give the files of an exported model")
        self.model_file = Path(model_file)
        config = _config(self.model_file, Path(params_file), onednn, threads)
        try:
            self._predictor = inference.create_predictor(config)
        except Exception as error:  # Paddle's C++ code raises whatever comes to hand
            raise EngineError(f"{model_file} cannot be loaded: {_reason(error)}") from error
        (input_name,) = self._predictor.get_input_names()
        (output_name,) = self._predictor.get_output_names()
        self._input = self._predictor.get_input_handle(input_name)
        self._output = self._predictor.get_output_handle(output_name)
        # A predictor works in its own input and output buffers, so two runs at once would mix their
        # clips. A clone for each thread would help, at the price of optimising the graph again and of a
        # second set of buffers; the cores are better spent inside a run, by `threads`.
        self._lock = threading.Lock()
        self._chatters = onednn

    def run(self, x: np.ndarray) -> np.ndarray:
        """Clips (N, C, T, V, M) float32 -> scores (N, K) float32. May be called from several threads."""
        with self._lock:
            if not self._chatters:
                return self._run(x)
            with _without_chatter():  # of the first run only
                scores = self._run(x)
            self._chatters = False
            return scores

    def _run(self, x: np.ndarray) -> np.ndarray:
        try:
            self._input.copy_from_cpu(np.ascontiguousarray(x, dtype=np.float32))
            self._predictor.run()
            return self._output.copy_to_cpu()
        except Exception as error:
            raise EngineError(f"{self.model_file} does not run on clips {x.shape}: {_reason(error)}") from error


def _config(model_file: Path, params_file: Path, onednn: bool, threads: int) -> inference.Config:
    # enable_memory_optim is not called: create_predictor of Paddle 3 fails on a .json model with it
    config = inference.Config(str(model_file), str(params_file))
    config.disable_gpu()
    config.disable_glog_info()
    config.set_cpu_math_library_num_threads(threads)
    if not onednn:
        # named mkldnn until Paddle 3.1
        getattr(config, "disable_onednn", config.disable_mkldnn)()
    return config


def _reason(error: Exception) -> str:
    """What a Paddle error says, without its C++ stack: one line."""
    lines = str(error).rpartition("Error Message Summary:")[2].splitlines()
    said = [line.strip() for line in lines if line.strip(" -")]
    return said[0] if said else type(error).__name__


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Keep Paddle's chatter off file descriptor 1; whatever else is written meanwhile gets there."""
    with _STDOUT, tempfile.TemporaryFile() as caught:
        try:
            stdout = os.dup(1)
        except OSError:  # a process without a standard output
            yield
            return
        if sys.stdout is not None:
            sys.stdout.flush()
        os.dup2(caught.fileno(), 1)
        try:
            yield
        finally:
            os.dup2(stdout, 1)
            os.close(stdout)
            caught.seek(0)
            for line in caught:
                if line.strip() != _CHATTER:
                    os.write(1, line)
