"""Paddle's inference engine around one exported model: loaded once, run from any thread."""

from __future__ import annotations

import hashlib
import re
import tempfile
import threading
import weakref
from pathlib import Path
from typing import Optional

import numpy as np
import paddle
from paddle import inference

from ctrgcn_plugin.deploy import stdout
from ctrgcn_plugin.deploy.engines.base import EngineError

# a debugging aid that Paddle 3.3's oneDNN kernels still print
_CHATTER = re.compile(rb"ReduceMeanCheckIfOneDNNSupport$")


class PaddleEngine:
    """An exported model on CPU.

    Args:
        model_file: ``.json`` (Paddle 3) or ``.pdmodel`` (Paddle 2, and Paddle 3 on request).
        params_file: its ``.pdiparams``.
        onednn: leave Paddle's default, which is oneDNN on, untouched; or switch oneDNN off.
        openvino: hand the whole model to the OpenVINO inside Paddle, which takes ``.pdmodel``.
        threads: of the CPU, for one run; the engine's own choice, one, where it is None.
    """

    def __init__(
        self,
        model_file: Path,
        params_file: Path,
        *,
        onednn: bool = True,
        openvino: bool = False,
        threads: Optional[int] = None,
    ) -> None:
        self.model_file = model_file
        config = _config(model_file, params_file, onednn, openvino, threads)
        try:
            with stdout.without(_CHATTER):
                if openvino:
                    self._shared = _in_openvino(config, model_file, params_file, threads)
                    self._predictor = self._shared.predictor.clone()
                else:
                    self._predictor = inference.create_predictor(config)
        except EngineError:
            raise
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
        self._chatters = onednn and not openvino

    def run(self, x: np.ndarray) -> np.ndarray:
        """Clips (N, C, T, V, M) float32 -> scores (N, K) float32. May be called from several threads."""
        with self._lock:
            if not self._chatters:
                return self._run(x)
            with stdout.without(_CHATTER):  # of the first run only
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


class _InOpenVINO:
    """A model that this process has handed to OpenVINO."""

    def __init__(self, config: inference.Config, threads: Optional[int]) -> None:
        # else Paddle keeps what it has compiled in a folder __cache__ wherever the process happens to be
        self._compiled = tempfile.TemporaryDirectory(prefix="ctrgcn-openvino-")
        config.set_optim_cache_dir(self._compiled.name)
        self.predictor = inference.create_predictor(config)
        self.threads = threads


# Paddle 3.3 frees a model's OpenVINO engine when the same model, from whatever file, is loaded once more, although
# the first still uses it: a crash. So there is one of each, and whoever wants another gets its clone.
_HANDED_OVER: weakref.WeakValueDictionary[str, _InOpenVINO] = weakref.WeakValueDictionary()
_HANDING_OVER = threading.Lock()


def _in_openvino(config: inference.Config, model_file: Path, params_file: Path, threads: Optional[int]) -> _InOpenVINO:
    content = hashlib.sha256(model_file.read_bytes() + params_file.read_bytes()).hexdigest()
    with _HANDING_OVER:
        there = _HANDED_OVER.get(content)
        if there is None:
            there = _HANDED_OVER[content] = _InOpenVINO(config, threads)
    if there.threads != threads:
        raise EngineError(
            f"{model_file} is loaded with threads={there.threads} in this process, and Paddle's OpenVINO engine cannot "
            f"have it with threads={threads} as well; take the same number, or another process"
        )
    return there


def openvino_is_missing() -> Optional[str]:
    """Why this Paddle cannot hand a model to OpenVINO; None if it can."""
    if not hasattr(inference.Config, "enable_openvino_engine"):
        return f"PaddlePaddle {paddle.__version__} has no OpenVINO engine; 3.1 and later have"
    if not list((Path(paddle.__file__).parent / "libs").glob("*openvino*")):
        return f"this build of PaddlePaddle {paddle.__version__} is without OpenVINO"
    return None


def _config(
    model_file: Path, params_file: Path, onednn: bool, openvino: bool, threads: Optional[int]
) -> inference.Config:
    # enable_memory_optim is not called: create_predictor of Paddle 3 fails on a .json model with it
    config = inference.Config(str(model_file), str(params_file))
    config.disable_gpu()
    config.disable_glog_info()
    if threads is not None:
        config.set_cpu_math_library_num_threads(threads)
    if openvino:
        config.enable_openvino_engine(inference.PrecisionType.Float32)
    elif not onednn:
        # named mkldnn until Paddle 3.1
        getattr(config, "disable_onednn", config.disable_mkldnn)()
    return config


def _reason(error: Exception) -> str:
    """What a Paddle error says, without its C++ stack: one line."""
    lines = str(error).rpartition("Error Message Summary:")[2].splitlines()
    said = [line.strip() for line in lines if line.strip(" -")]
    return said[0] if said else type(error).__name__
