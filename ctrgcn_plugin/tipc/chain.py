"""TIPC's configs: positional text files, read as upstream's scripts read them, and checked for what those cut off.

A line is ``key:value`` and means what its position says; blank lines do not count, and what follows a second
colon is lost. See test_tipc/docs of PaddleVideo.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ctrgcn_plugin.errors import ConfigError
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

NULL = "null"
WEIGHTS = "weights.pdparams"
# upstream's name for files of a chain that trains nothing
MODEL_ONLY = "model_"
SEPARATOR = "##"
HEADER = "="
LITE = "lite_train_lite_infer"
WHOLE_INFER = "whole_infer"
MODES = (LITE, "lite_train_whole_infer", WHOLE_INFER, "whole_train_whole_infer")


@dataclass(frozen=True)
class Kind:
    """What upstream's scripts do with a file.

    Attributes:
        script: in test_tipc.
        modes: that it can be run in, the default first.
        output: folder of its logs; ``{model}`` and ``{mode}`` stand for those.
        status_log: in that folder.
        keys: position from 0 -> key that has to be there; HEADER for a line that begins with it.
    """

    script: str
    modes: tuple[str, ...]
    output: str
    status_log: str
    keys: Mapping[int, str]


_COMMON = {0: HEADER, 1: "model_name", 2: "python"}
_TRAINERS = {**_COMMON, 3: "gpu_list", 13: SEPARATOR, 14: "trainer"}
_OUTPUT = "test_tipc/output/{model}/{mode}"
# the word in the first line
KINDS: Mapping[str, Kind] = {
    "train_params": Kind(
        "test_train_inference_python.sh",
        MODES,
        _OUTPUT,
        "results_python.log",
        {
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
        },
    ),
    "base_train": Kind("test_train_dy2static_python.sh", (LITE,), _OUTPUT, "results_python.log", _TRAINERS),
    "paddle2onnx_params": Kind(
        "test_paddle2onnx.sh",
        ("paddle2onnx_infer",),
        "log/{model}/{mode}",
        "results_paddle2onnx.log",
        {**_COMMON, 10: "inference"},
    ),
    "ptq_params": Kind(
        "test_ptq_inference_python.sh",
        (WHOLE_INFER,),
        "log/{model}/{mode}",
        "results_python.log",
        {**_COMMON, 11: SEPARATOR, 12: "trainer", 14: SEPARATOR, 15: HEADER, 16: "inference", 17: "--use_gpu"},
    ),
}
# chains whose scripts need what no test here has; the word in the first line
SERVERS = {
    "serving_params": "a Paddle Serving server",
    "cpp_infer_params": "upstream's C++ program, which reads videos",
}


@dataclass(frozen=True)
class Need:
    """A checkpoint that a chain reads; paths are relative to PaddleVideo's folder.

    Attributes:
        command: whose config it belongs to.
        model: file of Paddle's that has to be exported from it before the chain begins.
    """

    weights: Path
    command: Command
    model: Optional[Path] = None


@dataclass(frozen=True)
class Line:
    """One line of a config; `number` counts from 1, blank lines included."""

    number: int
    text: str

    @property
    def key(self) -> str:
        return self.text.split(":")[0]

    @property
    def value(self) -> str:
        """As upstream's scripts see it: up to a second colon."""
        return (self.text.split(":") + [""])[1]

    @property
    def is_null(self) -> bool:
        return self.value.strip() in (NULL, "")

    def list(self) -> list[str]:
        """The values that are separated by ``|``."""
        return self.value.split("|")

    def option(self) -> str:
        """``key=value`` as it ends up in a command; empty where either is null."""
        return "" if self.is_null or self.key == NULL else f"{self.key}={self.value}"


@dataclass(frozen=True)
class Chain:
    """A config, read."""

    file: Path
    kind: Kind
    lines: tuple[Line, ...]

    @classmethod
    def read(cls, file: Path) -> Chain:
        """Raise a ConfigError for a file that upstream's scripts would read otherwise than it looks."""
        try:
            text = file.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"TIPC config {file} cannot be read as text: {error}") from error
        lines = tuple(Line(number, line) for number, line in enumerate(text.split("\n"), 1) if line)
        word = lines[0].text.strip("= ") if lines else ""
        if "\r" in text:
            raise ConfigError(
                f"{file} has Windows line ends, which the shell takes for part of the values; remove them"
            )
        if word in SERVERS:
            raise ConfigError(
                f"{file} is a chain that needs {SERVERS[word]}, which is not run from here; "
                f"test_tipc/docs of PaddleVideo has its commands"
            )
        if word not in KINDS:
            raise ConfigError(f"{file} begins with {word!r}; TIPC configs begin with one of {', '.join(KINDS)}")
        chain = cls(file, KINDS[word], lines)
        chain._check()
        return chain

    @property
    def model_name(self) -> str:
        return self.lines[1].value

    @property
    def python(self) -> Line:
        return self.lines[2]

    def require_mode(self, mode: str) -> str:
        """`mode`, or the default for an empty one, if the chain has it."""
        if mode and mode not in self.kind.modes:
            raise ConfigError(f"{self.file.name} has no mode {mode!r}; it has: {', '.join(self.kind.modes)}")
        return mode or (WHOLE_INFER if self.is_train and self.file.name.startswith(MODEL_ONLY) else self.kind.modes[0])

    def output(self, mode: str) -> Path:
        """The folder of its logs, relative to PaddleVideo's."""
        return Path(self.kind.output.format(model=self.model_name, mode=mode))

    def trains(self, mode: str) -> bool:
        """Whether a run in `mode` begins with a training, and so needs data and no weights."""
        return "train" in mode

    def commands(self, mode: str) -> Iterator[tuple[Line, Command]]:
        """The commands of a run in `mode` as far as the config has them, each with its line."""
        for line in self.lines[1:]:
            if line.is_null or not _is_command(line.value):
                continue
            command = _parse(self.file, line)
            if self.is_train and not self._is_used(line, mode):
                continue
            extra = " ".join(self._options(line, command.purpose, mode))
            yield line, Command((*command.words, *Command.parse(extra).words))

    def needs(self, mode: str) -> list[Need]:
        """The checkpoints that a run in `mode` reads and has not trained itself."""
        commands = {command.purpose: command for _, command in self.commands(mode)}
        if self.kind is KINDS["ptq_params"]:
            folder = Path(self.lines[5].value)
            return [Need(folder / WEIGHTS, commands[PREDICT], folder / f"{self.model_name}.pdmodel")]
        if self.kind is KINDS["paddle2onnx_params"]:
            if EXPORT in commands:
                return [Need(Path(commands[EXPORT].value("-p") or WEIGHTS), commands[EXPORT])]
            folder = Path(self.lines[4].value)
            return [Need(folder / WEIGHTS, commands[PREDICT], folder / self.lines[5].value)]
        if mode == WHOLE_INFER and EXPORT in commands:
            return [Need(Path(name), commands[EXPORT]) for name in self.lines[36].list()]
        return []

    @property
    def is_train(self) -> bool:
        return self.kind is KINDS["train_params"]

    def expected(self, mode: str) -> dict[str, int]:
        """Purpose -> how many stages of it a whole run has; of an amp or to_static trainer as well."""
        if self.kind is KINDS["base_train"]:
            sections = sum(line.text.startswith(HEADER) for line in self.lines)
            return {COMPARE: sections}
        if self.kind is KINDS["paddle2onnx_params"]:
            return {_parse(self.file, self.lines[3]).purpose: 1, PREDICT: 1}
        if self.kind is KINDS["ptq_params"]:
            return {QUANTISE: 1, PREDICT: len(self.lines[17].list()) * len(self.lines[19].list())}
        if mode == WHOLE_INFER:
            exports = sum(part != NULL for part in self.lines[37].list())
            return {EXPORT: exports, PREDICT: self._predictions() * len(self.lines[36].list())}
        runs = len(self.lines[3].list()) * len(self.lines[5].list()) * len(self._trainers())
        found = {TRAIN: runs}
        if not self.lines[23].is_null:
            found[EVAL] = runs
        if not self.lines[29].is_null:
            found.update({EXPORT: runs, PREDICT: runs * self._predictions()})
        return found

    def _trainers(self) -> list[str]:
        by_name = {line.key: line for line in self.lines[15:21]}
        # the script takes the first for a name that it does not know
        return [name for name in self.lines[14].list() if not by_name.get(name, self.lines[15]).is_null]

    def _predictions(self) -> int:
        """How many settings the exported model is run in, as upstream's script has it for one that is not quantised."""
        gpus, onednn, threads, batches, tensorrt, precisions = (line.list() for line in self.lines[40:46])
        count = 0
        for gpu in gpus:
            if gpu in ("False", "cpu"):
                grid = itertools.product(onednn, threads, batches, precisions)
                count += sum(not (one == "False" and precision == "fp16") for one, _, _, precision in grid)
            else:
                pairs = itertools.product(tensorrt, precisions)
                runs = sum(
                    "int8" not in precision and not (trt == "False" and "fp16" in precision) for trt, precision in pairs
                )
                count += runs * len(batches)
        return count

    def _is_used(self, line: Line, mode: str) -> bool:
        position = self.lines.index(line)
        if position in range(15, 21):
            return mode != WHOLE_INFER and line.key in self.lines[14].list()
        if position == 37:
            return mode == WHOLE_INFER
        return not (mode == WHOLE_INFER and position in (23, 29))

    def _options(self, line: Line, purpose: str, mode: str) -> Iterator[str]:
        """What upstream's scripts put behind a command, as far as it is known before the run."""
        positions: Iterable[int] = ()
        if self.kind is KINDS["paddle2onnx_params"]:
            positions = range(4, 9) if line is self.lines[3] else (11, 13)
        elif self.kind is KINDS["ptq_params"]:
            positions = range(3, 11) if purpose == QUANTISE else (18, 20, 21, 22)
        elif "whole_train" not in mode and purpose == TRAIN:
            positions = (6, 8, 12, 11)
        elif purpose == EVAL and "lite_infer" in mode:
            positions = (12,)
        yield from (self.lines[position].option() for position in positions)

    def _check(self) -> None:
        for position, key in self.kind.keys.items():
            if position >= len(self.lines):
                raise ConfigError(
                    f"{self.file} ends after {len(self.lines)} lines; {key!r} has to be line {position + 1}"
                )
            line = self.lines[position]
            if not (line.text.startswith(key) if key == HEADER else line.key.strip() == key):
                wanted = "a header (=====)" if key == HEADER else repr(key)
                raise ConfigError(
                    f"{self.file}, line {line.number} is {line.text!r}, where TIPC reads {wanted}; "
                    "it goes by position: a line before it is missing, or one too many"
                )
        for line in self.lines:
            if line.text.count(":") > 1 and not line.text.startswith("random_infer_input"):
                lost = line.text.split(":", 2)[2]
                raise ConfigError(f"{self.file}, line {line.number}: TIPC drops {lost!r}; no value may hold a colon")


def _is_command(value: str) -> bool:
    return ".py " in f"{value} " or f"-m {OURS}" in value or value.strip().startswith(CONVERTER)


def _parse(file: Path, line: Line) -> Command:
    try:
        return Command.parse(line.value)
    except ValueError as error:
        raise ConfigError(f"{file}, line {line.number} is no command: {error}: {line.text!r}") from error
