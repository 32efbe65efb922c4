"""What upstream's benchmarks use of the package auto_log, which is not on PyPI, for where it is not installed.

``--enable_benchmark=True`` of ``tools/predict.py`` and ``deploy/paddle2onnx/predict_onnx.py`` imports it. The report
has the layout of AutoLog's, github.com/LDOUBLEV/AutoLog, so that what reads its logs can read ours.
"""

from __future__ import annotations

import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Optional, Union

from ctrgcn_plugin.errors import EnvironmentSetupError
from ctrgcn_plugin.upstream.log import logger

NAME = "auto_log"
# of the layout, as AutoLog counts it
API_VERSION = "1.0"
# nvidia-smi takes longer than a batch may
GPU_PAUSE_S = 1.0
SMI_TIMEOUT_S = 10


class NotInstalledError(EnvironmentSetupError, ImportError):
    """A package that an option needs is missing."""


def missing() -> bool:
    """Whether the real package cannot be found."""
    return not sys.modules.get(NAME) and find_spec(NAME) is None


def provide() -> None:
    """Be what ``import auto_log`` gives, where the package is not installed.

    Raises:
        NotInstalledError: this process forbids the import.
    """
    if not missing():
        return
    if NAME in sys.modules:
        # None, by which Python is told to import nothing of that name
        raise NotInstalledError(
            f"--enable_benchmark needs the package {NAME}, and sys.modules[{NAME!r}] = None forbids importing it: "
            "take that away, or leave the option out"
        )
    sys.modules[NAME] = sys.modules[__name__]
    logger().info(f"--enable_benchmark: the package {NAME} is not installed, ctrgcn-plugin measures in its place")


class Peaks:
    """The most memory that was seen in use.

    Attributes:
        rss: of the processes, in MiB; None where there is no ``/proc``.
        gpu: (MiB, utilisation in % at that moment) of the GPU; None where there is none to ask.
    """

    def __init__(self, pids: Sequence[int], gpu_id: Optional[int]) -> None:
        self.rss: Optional[float] = None
        self.gpu: Optional[tuple[float, float]] = None
        self._pids = pids
        self._gpu = None if gpu_id is None else _name_of_gpu(gpu_id)
        self._next_look = -math.inf

    def look(self) -> None:
        """At the processes: some microseconds."""
        found = [mib for mib in map(_rss_mib, self._pids) if mib is not None]
        if found:
            self.rss = max(sum(found), self.rss or 0.0)

    def look_at_gpu(self) -> None:
        """At the GPU, unless it has been looked at a moment ago."""
        if self._gpu is None or time.perf_counter() < self._next_look:
            return
        found = _gpu_use(self._gpu)
        if found is None:
            self._gpu = None
        else:
            self.gpu = found if self.gpu is None else max(found, self.gpu)
        self._next_look = time.perf_counter() + GPU_PAUSE_S


class Times:
    """How long each step of each batch took, in seconds.

    Attributes:
        batches: of every batch that has ended, one time for each key.
    """

    def __init__(self, keys: Sequence[str], warmup: int, peaks: Peaks) -> None:
        self.keys, self.warmup = tuple(keys), warmup
        self.batches: list[list[float]] = []
        self._peaks = peaks
        self._batch: Optional[list[float]] = None
        self._since = 0.0

    def start(self) -> None:
        """A batch begins."""
        self._batch = []
        self._since = time.perf_counter()

    def stamp(self) -> None:
        """A step of the batch is done."""
        now = time.perf_counter()
        if self._batch is None:
            raise RuntimeError("stamp() before start()")
        self._batch.append(now - self._since)
        self._peaks.look()
        # the look is no part of the next step
        self._since = time.perf_counter()

    def end(self, stamp: bool = False) -> None:
        """The batch is done, and with `stamp` its last step."""
        if stamp:
            self.stamp()
        batch, self._batch = self._batch or [], None
        if len(batch) != len(self.keys):
            raise RuntimeError(f"a batch of {len(batch)} steps, not of {len(self.keys)}: {', '.join(self.keys)}")
        self.batches.append(batch)
        self._peaks.look_at_gpu()

    @property
    def all_warmup(self) -> bool:
        """Whether there are no batches after those to warm up with."""
        return len(self.batches) <= self.warmup

    def counted(self) -> list[list[float]]:
        """The batches after the warm-up; where there are none, all."""
        return self.batches if self.all_warmup else self.batches[self.warmup :]

    def total(self) -> float:
        """Seconds that the counted batches took together."""
        return math.fsum(map(math.fsum, self.counted()))

    def means(self) -> dict[str, Optional[float]]:
        """Mean seconds of each step; None where no batch has ended."""
        steps = list(zip(*self.counted()))
        return {key: math.fsum(steps[i]) / len(steps[i]) if steps else None for i, key in enumerate(self.keys)}


class AutoLogger:
    """Measures the batches of a benchmark and reports them, on standard output and into a log.

    Args:
        save_path: the log, which is appended to.
        inference_config: of Paddle's engine, or the SessionOptions of ONNX Runtime.
        pids: whose memory is measured; by default this process's.
        process_name: ignored, as are the names by which AutoLog's watching process may go.
        gpu_ids: the GPU whose use is measured, as CUDA counts those that are visible.
        warmup: so many batches at the start are left out of the times.

    Raises:
        EnvironmentSetupError: the log cannot be written.
    """

    def __init__(
        self,
        model_name: str,
        model_precision: str,
        batch_size: int,
        data_shape: object,
        save_path: Union[str, Path],
        inference_config: Any,
        pids: Union[int, Sequence[int], None] = None,
        process_name: Optional[str] = None,
        gpu_ids: Optional[int] = None,
        time_keys: Sequence[str] = ("preprocess_time", "inference_time", "postprocess_time"),
        warmup: int = 0,
    ) -> None:
        self.save_path = Path(save_path)
        try:
            # now, and not after the whole benchmark
            self.save_path.parent.mkdir(parents=True, exist_ok=True)
            self.save_path.open("a").close()
        except OSError as error:
            raise EnvironmentSetupError(f"--enable_benchmark cannot write its log {save_path}: {error}") from error
        self._conf = _settings(inference_config)
        self._model = {"model_name": model_name, "precision": model_precision}
        self._data = {"batch_size": batch_size, "input_shape": data_shape}
        pids = os.getpid() if pids is None else pids
        self._peaks = Peaks([pids] if isinstance(pids, int) else pids, gpu_ids)
        self.times = Times(time_keys, warmup, self._peaks)

    def report(self) -> None:
        """Print what was measured, and append it to the log."""
        self._peaks.look()
        now = time.strftime("%Y/%m/%d %H:%M:%S")
        text = "".join(f"[{now}] root INFO: {line}\n" for line in self._lines())
        sys.stdout.write(text)
        sys.stdout.flush()
        with self.save_path.open("a", encoding="utf-8") as log:
            log.write(text)

    def _lines(self) -> list[str]:
        lines = []
        if self.times.all_warmup:
            lines.append(f"no more batches than the {self.times.warmup} to warm up with: all of them are timed")
        for title, facts in (
            ("---------------------- Env info ----------------------", _environment()),
            ("---------------------- Paddle info ----------------------", _paddle()),
            ("----------------------- Conf info -----------------------", self._conf),
            ("----------------------- Model info ----------------------", self._model),
            ("----------------------- Data info -----------------------", self._counted_data()),
        ):
            lines += [title, *(f" {key}: {value}" for key, value in facts.items())]
        return [*lines, "----------------------- Perf info -----------------------", *self._performance()]

    def _counted_data(self) -> dict[str, object]:
        return {**self._data, "data_num": len(self.times.batches)}

    def _performance(self) -> list[str]:
        gpu_mib, gpu_util = self._peaks.gpu or (None, None)
        means = (f"{key}(ms): {_rounded(value, 1000)}" for key, value in self.times.means().items())
        return [
            f" cpu_rss(MB): {_rounded(self._peaks.rss)}, gpu_rss(MB): {gpu_mib}, gpu_util: {gpu_util}%",
            f" total time spent(s): {_rounded(self.times.total())}",
            f" {', '.join(means)}",
        ]


def _rounded(value: Optional[float], factor: int = 1) -> Optional[float]:
    return None if value is None else round(factor * value, 4)


def _settings(config: Any) -> dict[str, object]:
    if hasattr(config, "graph_optimization_level"):
        # ONNX Runtime's, which upstream's script runs on the CPU alone; it has no counterpart of the memory setting
        return {
            "runtime_device": "cpu",
            "ir_optim": config.graph_optimization_level.name != "ORT_DISABLE_ALL",
            "enable_memory_optim": None,
            "enable_tensorrt": False,
            "enable_mkldnn": False,
            "cpu_math_library_num_threads": config.intra_op_num_threads,
        }

    def ask(*names: str) -> Any:
        # a setting's name differs from release to release
        return next((getattr(config, name)() for name in names if hasattr(config, name)), None)

    return {
        "runtime_device": "gpu" if ask("use_gpu") else "xpu" if ask("use_xpu") else "cpu",
        "ir_optim": ask("ir_optim"),
        # what AutoLog says of every config; the scripts always switch it on
        "enable_memory_optim": True,
        "enable_tensorrt": ask("tensorrt_engine_enabled"),
        "enable_mkldnn": ask("onednn_enabled", "mkldnn_enabled"),
        "cpu_math_library_num_threads": ask("cpu_math_library_num_threads"),
    }


def _environment() -> dict[str, object]:
    import paddle

    return {
        "OS_version": _os(),
        "CUDA_version": _version(paddle.version.cuda()),
        "CUDNN_version": _version(paddle.version.cudnn()),
        # AutoLog's spelling
        "drivier_version": next(iter(_smi("driver_version")), None),
    }


def _paddle() -> dict[str, object]:
    import paddle

    commit = getattr(paddle.version, "commit", None)
    return {"paddle_version": paddle.__version__, "paddle_commit": commit, "log_api_version": API_VERSION}


def _os() -> str:
    try:
        release = platform.freedesktop_os_release()
    except (AttributeError, OSError):  # before Python 3.10; no such file
        return f"{platform.system()} {platform.release()}"
    return " ".join(filter(None, (release.get("NAME"), release.get("VERSION_ID"))))


def _version(said: object) -> Optional[str]:
    """What Paddle says of a library that it was built with: False or "False" where it was not."""
    return None if str(said) in ("False", "None", "0", "") else str(said)


def _rss_mib(pid: int) -> Optional[float]:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _name_of_gpu(index: int) -> str:
    """What nvidia-smi calls the GPU that CUDA counts as `index`."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return str(index)
    names = visible.split(",")
    return names[index].strip() if index < len(names) else ""


def _gpu_use(name: str) -> Optional[tuple[float, float]]:
    try:
        used, utilisation = next(iter(_smi("memory.used,utilization.gpu", f"--id={name}"))).split(",")
        return float(used), float(utilisation)
    except (StopIteration, ValueError):  # no such tool or GPU; one that does not tell
        return None


def _smi(query: str, *options: str) -> list[str]:
    """Lines that nvidia-smi answers; none where there is no such tool."""
    command = ["nvidia-smi", *options, f"--query-gpu={query}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=SMI_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in answer.stdout.splitlines() if line.strip()]
