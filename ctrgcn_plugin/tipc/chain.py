"""TIPC's chains: what upstream's scripts do with a config. One class for each script.

The scripts are in test_tipc of PaddleVideo, and the positions here are theirs.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Optional

from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.tipc import lines
from ctrgcn_plugin.tipc.commands import (
    COMPARE,
    CONVERTER,
    EVAL,
    EXPORT,
    OURS,
    PREDICT,
    QUANTISE,
    TRAIN,
    Command,
)
from ctrgcn_plugin.tipc.lines import HEADER, NULL, SEPARATOR, Line

LITE = "lite_train_lite_infer"
WHOLE_INFER = "whole_infer"
MODES = (LITE, "lite_train_whole_infer", WHOLE_INFER, "whole_train_whole_infer")
WEIGHTS = "weights.pdparams"
# upstream's name for files of a chain that trains nothing
MODEL_ONLY = "model_"


@dataclass(frozen=True)
class Need:
    """A checkpoint that a chain reads and has not trained; paths are relative to PaddleVideo's folder.

    Attributes:
        config, overrides: of the network that it belongs to.
        save_name: what the chain calls the model that it exports from it.
        model: file of Paddle's that has to be exported from it before the chain begins.
        makes: file that the chain makes of that model.
    """

    weights: Path
    config: str
    overrides: tuple[str, ...] = ()
    save_name: str = ""
    model: Optional[Path] = None
    makes: Optional[Path] = None

    @classmethod
    def of(
        cls, weights: Path, command: Command, model: Optional[Path] = None, makes: Optional[Path] = None
    ) -> list[Need]:
        """That of a command, if it names a config."""
        if command.config is None:
            return []
        name = command.value("--save_name") or ""
        return [cls(weights, command.config, tuple(command.overrides()), name, model, makes)]


@dataclass(frozen=True)
class Chain(ABC):
    """A config, and the script that runs it.

    Attributes:
        header: the word in its first line.
        script: in test_tipc.
        modes: that it can be run in, the default first.
        logs: folder of its logs; ``{model}`` and ``{mode}`` stand for those.
        status_log: in that folder.
        keys: position from 0 -> key that has to be there.
    """

    file: Path
    lines: tuple[Line, ...]

    header: ClassVar[str]
    script: ClassVar[str]
    modes: ClassVar[tuple[str, ...]]
    logs: ClassVar[str]
    status_log: ClassVar[str] = "results_python.log"
    keys: ClassVar[Mapping[int, str]]

    @classmethod
    def read(cls, file: Path) -> Chain:
        """Raise a ConfigError for a file that upstream's scripts would read otherwise than it looks."""
        found = lines.read(file)
        word = found[0].text.strip("= ") if found else ""
        kinds = {kind.header: kind for kind in (Training, Static, Conversion, Quantisation, Serving)}
        if word not in kinds:
            raise ConfigError(f"{file} begins with {word!r}; TIPC configs begin with one of {', '.join(kinds)}")
        lines.require_keys(file, found, kinds[word].keys)
        return kinds[word](file, found)

    @property
    def model_name(self) -> str:
        return self.lines[1].value

    @property
    def python(self) -> Line:
        return self.lines[2]

    @property
    def default_mode(self) -> str:
        return self.modes[0]

    @property
    def clip_folder(self) -> Path:
        """What the path of its clip is relative to, itself relative to PaddleVideo's folder."""
        return Path()

    def require_mode(self, mode: str) -> str:
        """`mode`, or the default for an empty one, if the chain has it."""
        if mode and mode not in self.modes:
            raise ConfigError(f"{self.file.name} has no mode {mode!r}; it has: {', '.join(self.modes)}")
        return mode or self.default_mode

    def output(self, mode: str) -> Path:
        """The folder of its logs, relative to PaddleVideo's."""
        return Path(self.logs.format(model=self.model_name, mode=mode))

    def commands(self, mode: str) -> Iterator[tuple[Line, Command]]:
        """The commands of a run in `mode`, as far as they are known before it, each with its line."""
        for position, line in enumerate(self.lines):
            if line.is_null or not _is_command(line.value) or not self._is_used(position, mode):
                continue
            command = lines.parse_command(self.file, line)
            added = (self.lines[other].option() for other in self._added(position, command.purpose, mode))
            yield line, Command((*command.words, *Command.parse(" ".join(added)).words))

    @abstractmethod
    def expected(self, mode: str) -> dict[str, int]:
        """Purpose -> how many stages of it a whole run in `mode` has."""

    def needs(self, mode: str) -> list[Need]:
        """The checkpoints that a run in `mode` reads and has not trained itself."""
        return []

    def _is_used(self, position: int, mode: str) -> bool:
        return True

    def _added(self, position: int, purpose: str, mode: str) -> Iterable[int]:
        """Positions of the options that the script puts behind the command at a position."""
        return ()

    def _command(self, purpose: str, mode: str) -> Optional[Command]:
        return next((command for _, command in self.commands(mode) if command.purpose == purpose), None)


_COMMON = {0: HEADER, 1: "model_name", 2: "python"}
_TRAINERS = {**_COMMON, 3: "gpu_list", 13: SEPARATOR, 14: "trainer"}


class Training(Chain):
    """Train, test, export, predict; or, in the mode whole_infer, export and predict."""

    header = "train_params"
    script = "test_train_inference_python.sh"
    modes = MODES
    logs = "test_tipc/output/{model}/{mode}"
    keys = {
        **_TRAINERS,
        21: SEPARATOR,
        22: HEADER,
        23: "eval",
        25: SEPARATOR,
        26: HEADER,
        29: "norm_export",
        35: "inference_dir",
        36: "infer_model",
        37: "infer_export",
        38: "infer_quant",
        39: "inference",
    }
    # epochs, batch size, and two sets of options for small data
    LITE_TRAINING = (6, 8, 12, 11)
    LITE_DATA = (12,)
    GPUS, PRECISIONS, TRAINER, TRAINERS = 3, 5, 14, range(15, 21)
    EVAL, EXPORT, MODEL, MODEL_EXPORT = 23, 29, 36, 37
    SETTINGS = slice(40, 46)

    @property
    def default_mode(self) -> str:
        return WHOLE_INFER if self.file.name.startswith(MODEL_ONLY) else self.modes[0]

    def expected(self, mode: str) -> dict[str, int]:
        if mode == WHOLE_INFER:
            exports = sum(part != NULL for part in self.lines[self.MODEL_EXPORT].alternatives())
            models = len(self.lines[self.MODEL].alternatives())
            return {EXPORT: exports, PREDICT: models * self._predictions()}
        runs = len(self._trainers())
        for position in (self.GPUS, self.PRECISIONS):
            runs *= len(self.lines[position].alternatives())
        found = {TRAIN: runs}
        if not self.lines[self.EVAL].is_null:
            found[EVAL] = runs
        if not self.lines[self.EXPORT].is_null:
            found.update({EXPORT: runs, PREDICT: runs * self._predictions()})
        return found

    def needs(self, mode: str) -> list[Need]:
        export = self._command(EXPORT, mode)
        if mode != WHOLE_INFER or export is None:
            return []
        models = self.lines[self.MODEL].alternatives()
        return [need for name in models for need in Need.of(Path(name), export)]

    def _trainers(self) -> list[str]:
        by_name = {self.lines[position].key: self.lines[position] for position in self.TRAINERS}
        # the script takes the first for a name that it does not know
        default = self.lines[self.TRAINERS[0]]
        return [name for name in self.lines[self.TRAINER].alternatives() if not by_name.get(name, default).is_null]

    def _predictions(self) -> int:
        """How many settings a model is run in, by the script's rules for one that is not quantised."""
        gpus, onednn, threads, batches, tensorrt, precisions = (
            line.alternatives() for line in self.lines[self.SETTINGS]
        )
        on_cpu = sum(
            not (one == "False" and precision == "fp16")
            for one, _, _, precision in itertools.product(onednn, threads, batches, precisions)
        )
        on_gpu = sum(
            "int8" not in precision and not (one == "False" and "fp16" in precision)
            for one, precision, _ in itertools.product(tensorrt, precisions, batches)
        )
        return sum(on_cpu if gpu in ("False", "cpu") else on_gpu for gpu in gpus)

    def _is_used(self, position: int, mode: str) -> bool:
        if position in self.TRAINERS:
            return mode != WHOLE_INFER and self.lines[position].key in self.lines[self.TRAINER].alternatives()
        if position == self.MODEL_EXPORT:
            return mode == WHOLE_INFER
        return not (mode == WHOLE_INFER and position in (self.EVAL, self.EXPORT))

    def _added(self, position: int, purpose: str, mode: str) -> Iterable[int]:
        if purpose == TRAIN and "whole_train" not in mode:
            return self.LITE_TRAINING
        return self.LITE_DATA if purpose == EVAL and "lite_infer" in mode else ()


class Static(Chain):
    """The same training in dynamic and in static mode, and their first losses compared."""

    header = "base_train"
    script = "test_train_dy2static_python.sh"
    modes = (LITE,)
    logs = Training.logs
    keys = _TRAINERS

    def expected(self, mode: str) -> dict[str, int]:
        return {COMPARE: sum(line.is_header for line in self.lines)}

    def _added(self, position: int, purpose: str, mode: str) -> Iterable[int]:
        return Training.LITE_TRAINING if purpose == TRAIN else ()


class Conversion(Chain):
    """Conversion to ONNX, and prediction in ONNX Runtime."""

    header = "paddle2onnx_params"
    script = "test_paddle2onnx.sh"
    modes = ("paddle2onnx_infer",)
    logs = "log/{model}/{mode}"
    status_log = "results_paddle2onnx.log"
    keys = {**_COMMON, 10: "inference"}
    CONVERTER, FOLDER, MODEL, ONNX = 3, 4, 5, 7

    def expected(self, mode: str) -> dict[str, int]:
        return {lines.parse_command(self.file, self.lines[self.CONVERTER]).purpose: 1, PREDICT: 1}

    def needs(self, mode: str) -> list[Need]:
        export, predict = self._command(EXPORT, mode), self._command(PREDICT, mode)
        if export is not None:
            return Need.of(Path(export.value("-p", "--pretrained_params") or WEIGHTS), export)
        if predict is None:
            return []
        folder, onnx = Path(self.lines[self.FOLDER].value), Path(self.lines[self.ONNX].value)
        return Need.of(folder / WEIGHTS, predict, folder / self.lines[self.MODEL].value, onnx)

    def _added(self, position: int, purpose: str, mode: str) -> Iterable[int]:
        return range(4, 9) if position == self.CONVERTER else (11, 13)


class Quantisation(Chain):
    """Quantisation after training, and prediction with what comes of it."""

    header = "ptq_params"
    script = "test_ptq_inference_python.sh"
    modes = (WHOLE_INFER,)
    logs = Conversion.logs
    keys = {**_COMMON, 11: SEPARATOR, 12: "trainer", 14: SEPARATOR, 15: HEADER, 16: "inference", 17: "--use_gpu"}
    FOLDER, DEVICES, BATCHES = 5, 17, 19

    def expected(self, mode: str) -> dict[str, int]:
        settings = (len(self.lines[position].alternatives()) for position in (self.DEVICES, self.BATCHES))
        devices, batches = settings
        return {QUANTISE: 1, PREDICT: devices * batches}

    def needs(self, mode: str) -> list[Need]:
        predict, folder = self._command(PREDICT, mode), Path(self.lines[self.FOLDER].value)
        return [] if predict is None else Need.of(folder / WEIGHTS, predict, folder / f"{self.model_name}.pdmodel")

    def _added(self, position: int, purpose: str, mode: str) -> Iterable[int]:
        return range(3, 11) if purpose == QUANTISE else (18, 20, 21, 22)


class Serving(Chain):
    """Conversion for Paddle Serving, a server, and a client that asks it. Prepared here, and run by hand."""

    header = "serving_params"
    script = "test_serving_infer_cpp.sh"
    modes = ("serving_infer_cpp",)
    logs = "test_tipc/output/log/{model}/{mode}"
    status_log = "results_serving.log"
    keys = {**_COMMON, 3: "trans_model", 4: "--dirname", 9: "serving_dir", 12: "cpp_client"}
    FOLDER, MODEL, SERVING_FOLDER, CLIENT = 4, 5, 9, 12

    @property
    def clip_folder(self) -> Path:
        return Path(self.lines[self.SERVING_FOLDER].value)

    def require_mode(self, mode: str) -> str:
        raise ConfigError(
            f"{self.file.name} is for a machine with Paddle Serving: its script ends every process with that name. "
            f"Where that is right, take --prepare, and then bash {self.script} {self.file.name} {self.default_mode}"
        )

    def expected(self, mode: str) -> dict[str, int]:
        return {}

    def needs(self, mode: str) -> list[Need]:
        client = lines.parse_command(self.file, self.lines[self.CLIENT])
        folder, config = Path(self.lines[self.FOLDER].value), client.value("--network")
        model = folder / self.lines[self.MODEL].value
        return [Need(folder / WEIGHTS, config, model=model)] if config else []


def _is_command(value: str) -> bool:
    return ".py " in f"{value} " or f"-m {OURS}" in value or value.strip().startswith(CONVERTER)
