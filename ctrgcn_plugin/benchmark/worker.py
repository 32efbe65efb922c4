"""A process of its own in which a benchmark loads and runs models, and the handle by which it is asked.

Question and answer are one line of JSON each. A process that has loaded one model tells what that model takes:
time to load, memory. One that has loaded several runs them in turn.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Optional

import numpy as np

from ctrgcn_plugin.deploy import engines, gate
from ctrgcn_plugin.deploy.engines import Engine
from ctrgcn_plugin.errors import UserError, one_line

SEED = 0
# runs of a model that are not counted; the first ones allocate, and choose kernels
WARM_UP = 2
# the child finds the package, and everything else, where its parent does
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from ctrgcn_plugin.benchmark.worker import serve; serve()"
)
# seconds; Paddle's threads spin for 0.2 after a run, ONNX Runtime's for 0.05
_QUIET_AFTER = 0.5
_LOOK = 0.002
_BUSY = 0.2  # of one core


@dataclass(frozen=True)
class Job:
    """A model and what it is run on.

    Attributes:
        model: path of the model file.
        setting: name of the engine's setting.
        shape: (C, T, V, M) of the clips.
        batch: clips in a run.
        persons: who are there; the others are all zero.
        leaves_out: give the clips without those others.
    """

    model: str
    setting: str
    threads: int
    shape: tuple[int, ...]
    batch: int
    persons: int
    leaves_out: bool

    def clips(self) -> np.ndarray:
        """(N, C, T, V, M) float32: of every batch size the first clips are the same."""
        x = np.concatenate(
            [gate.skeletons(np.random.default_rng([SEED, n]), (1, *self.shape)) for n in range(self.batch)]
        )
        x[..., self.persons :] = 0
        return np.ascontiguousarray(x[..., : self.persons] if self.leaves_out else x, dtype=np.float32)

    def probe(self, engine: Engine) -> np.ndarray:
        """Scores (2, K) of the gate's probes, run as these clips are: as many at once, without absent persons."""
        both = gate.probes(self.shape)
        if self.batch > 1 and not self.leaves_out:
            return engine.run(both[np.arange(self.batch) % 2])[:2]
        # the second has one person
        apart = both[:1], both[1:, ..., :1] if self.leaves_out else both[1:]
        return np.concatenate([engine.run(np.repeat(one, self.batch, axis=0))[:1] for one in apart])


class CaseError(UserError):
    """A model does not load or run, or has taken its process down."""


class Worker:
    """A fresh process, to be used in a ``with``.

    Args:
        environment: variables that it has besides those of this process.
    """

    def __init__(self, environment: Optional[Mapping[str, str]] = None) -> None:
        # engines write there what nobody has asked for
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env={**os.environ, **(environment or {})},
            text=True,
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._stderr.close()

    def ask(self, what: str, *arguments: Any) -> Any:
        """The answer of the method of that name of :class:`_Served`.

        Raises:
            CaseError: it fails.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps([what, *arguments]) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise CaseError(f"its process died: {self._end()}")
        answer = json.loads(line)
        if "error" in answer:
            raise CaseError(answer["error"])
        return answer["value"]

    def load(self, job: Job) -> dict[str, Any]:
        """Load a model: its ``number``, ``load_s`` and ``loaded_mb``, see :meth:`_Served.load`."""
        return self.ask("load", asdict(job))

    def run(self, number: int) -> float:
        """Seconds of one run of the model that has this number."""
        return self.ask("run", number)

    def _end(self) -> str:
        status = self._process.wait()
        if status < 0:
            return signal.Signals(-status).name
        self._stderr.seek(0)
        said = self._stderr.read().decode(errors="replace").strip().splitlines()
        return said[-1] if said else f"exit status {status}"


class _Served:
    """What a :class:`Worker` can be asked for."""

    def __init__(self) -> None:
        self._loaded: list[tuple[Job, Engine, np.ndarray]] = []

    def shape(self, model: str) -> list[Optional[int]]:
        """A model's input shape, from its file; None for what is not fixed there."""
        file = Path(model)
        shape = _onnx_shape(file) if file.suffix == ".onnx" else _paddle_shape(file)
        return [size if isinstance(size, int) and size > 0 else None for size in shape]

    def load(self, job: dict[str, Any]) -> dict[str, Any]:
        """``load_s``: seconds until after the first run, importing excluded. ``loaded_mb``: most memory so far."""
        case = Job(**job)
        x = case.clips()
        setting = engines.SETTINGS[case.setting]
        _import_library(setting.engine)
        start = time.perf_counter()
        engine = setting.load(Path(case.model), case.threads)
        loaded_mb = peak_mb()
        engine.run(x)
        load_s = time.perf_counter() - start
        for _ in range(WARM_UP - 1):
            engine.run(x)
        self._loaded.append((case, engine, x))
        _wait_until_quiet()
        return {"number": len(self._loaded) - 1, "load_s": load_s, "loaded_mb": loaded_mb}

    def run(self, number: int) -> float:
        """Seconds that it takes."""
        _, engine, x = self._loaded[number]
        start = time.perf_counter()
        engine.run(x)
        seconds = time.perf_counter() - start
        _wait_until_quiet()
        return seconds

    def probe(self, number: int) -> list[list[float]]:
        """Scores (2, K) of the gate's probes."""
        job, engine, _ = self._loaded[number]
        return job.probe(engine).astype(float).tolist()

    def peak_mb(self) -> Optional[float]:
        """Most memory that this process has had at once."""
        return peak_mb()


def serve() -> None:
    """Answer on standard output what is asked on standard input, until that ends."""
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # engines print
        _answer(_Served(), sys.stdin, answers)


def _answer(served: _Served, questions: IO[str], answers: IO[str]) -> None:
    for line in questions:
        what, *arguments = json.loads(line)
        method: Callable[..., Any] = getattr(served, what)
        try:
            answer = {"value": method(*arguments)}
        except UserError as error:
            answer = {"error": str(error)}
        except Exception as error:  # a foreign model may break in any way
            answer = {"error": f"{type(error).__name__}: {one_line(error)}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def peak_mb() -> Optional[float]:
    """Most resident memory of this process so far, in MB (10^6 bytes); None where there is no ``/proc``."""
    # not getrusage: there a new process begins with the peak of the one that started it
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) / 1e6 for line in lines if line.startswith("VmHWM:")), None)


def _wait_until_quiet() -> None:
    """Wait for an engine's threads to stop spinning, or they would share the cores with whoever runs next."""
    give_up = time.perf_counter() + _QUIET_AFTER
    while time.perf_counter() < give_up:
        wall, cpu = time.perf_counter(), time.process_time()
        time.sleep(_LOOK)
        if time.process_time() - cpu < _BUSY * (time.perf_counter() - wall):
            return


def _import_library(engine: str) -> None:
    if engine == engines.ONNXRUNTIME:
        importlib.import_module("onnxruntime")
    else:
        importlib.import_module("ctrgcn_plugin.deploy.engines.paddle_engine")


def _onnx_shape(file: Path) -> list[Any]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return session.get_inputs()[0].shape


def _paddle_shape(file: Path) -> list[Any]:
    from paddle import inference

    config = inference.Config(*map(str, engines.files_of(file)))
    config.disable_gpu()
    config.disable_glog_info()
    config.switch_ir_optim(False)  # it would take most of the time
    predictor = inference.create_predictor(config)
    return predictor.get_input_tensor_shape()[predictor.get_input_names()[0]]
