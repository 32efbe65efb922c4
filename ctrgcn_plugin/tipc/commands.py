"""Command lines of TIPC: what a line of a config, or of a log, has run or would run."""

from __future__ import annotations

import itertools
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

TRAIN, EVAL, EXPORT, PREDICT, CONVERT, QUANTISE, COMPARE, OTHER = (
    "train",
    "eval",
    "export",
    "predict",
    "convert",
    "quantise",
    "compare",
    "other",
)
OURS = "ctrgcn_plugin"
CONVERTER = "paddle2onnx"
# the script, or what stands for it, that tells what a command is for
SCRIPTS = {
    "export_model.py": EXPORT,
    "predict.py": PREDICT,
    "predict_onnx.py": PREDICT,
    "quant_post_static.py": QUANTISE,
    CONVERTER: CONVERT,
    "diff": COMPARE,
    "compare_results.py": COMPARE,
}
LAUNCHER = "paddle.distributed.launch"
# options of a prediction, and how they are told
SETTINGS = {
    "--enable_mkldnn": "oneDNN {}",
    "--use_tensorrt": "TensorRT {}",
    "--cpu_threads": "threads {}",
    "--batch_size": "batch {}",
    "--precision": "{}",
}
SWITCHED = {"True": "on", "False": "off"}
# options that may be written in two ways
CONFIG = ("-c", "--config")
OVERRIDE = ("-o", "--override")


@dataclass(frozen=True)
class Command:
    """A command line, in words as the shell would split it; redirections are left out."""

    words: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Command:
        """Raise ValueError for a quote that is never closed."""
        words = shlex.split(text)
        redirected = next((index for index, word in enumerate(words) if word in (">", ">>")), len(words))
        return cls(tuple(words[:redirected]))

    @property
    def purpose(self) -> str:
        """One of the constants above."""
        if self._is_main():
            return EVAL if "--test" in self.words else TRAIN
        if OURS in self.words:
            return EXPORT if "export" in self.words else OTHER
        return next((SCRIPTS[name] for name in map(_name, self.words) if name in SCRIPTS), OTHER)

    @property
    def script(self) -> Optional[str]:
        """The path of the script that Python runs; None where it is a module or another program."""
        return next((word for word in self.words if word.endswith(".py")), None)

    @property
    def config(self) -> Optional[str]:
        return self.value(*CONFIG)

    def value(self, *names: str) -> Optional[str]:
        """The last value of an option in any of its names: ``-c x`` or ``-c=x``."""
        found = self.values(*names)
        return found[-1] if found else None

    def values(self, *names: str) -> list[str]:
        found = []
        for word, following in zip(self.words, (*self.words[1:], "")):
            name, equals, value = word.partition("=")
            if word in names:
                found.append(following)
            elif equals and name in names:
                found.append(value)
        return found

    def overrides(self) -> list[str]:
        """``key=value`` changes of the config. An export's ``-o`` is its folder, which has no equals sign in it."""
        return [value for value in self.values(*OVERRIDE) if "=" in value]

    def override(self, key: str) -> str:
        """The last value that a key of the config is changed to; empty where it is not."""
        found = [value for name, _, value in (change.partition("=") for change in self.overrides()) if name == key]
        return found[-1] if found else ""

    @property
    def label(self) -> str:
        """What it is for, with the settings that tell it from the others of its kind."""
        if self.purpose == TRAIN:
            kinds = {
                "amp": "--amp" in self.words,
                "to_static": self.override("to_static") == "True",
                "launch": LAUNCHER in self.words,
            }
            return " ".join([self.purpose, *(kind for kind, there in kinds.items() if there)])
        if self.purpose != PREDICT:
            return self.purpose
        if self.value("--onnx_file"):
            return "predict onnx"
        device = "gpu" if self.value("--use_gpu") == "True" else "cpu"
        settings = ((name, self.value(option)) for option, name in SETTINGS.items())
        told = (name.format(SWITCHED.get(value, value)) for name, value in settings if value)
        return f"predict {device}: {', '.join(told)}"

    @property
    def program(self) -> str:
        """What is run, behind an ``env A=1``; empty where there is nothing."""
        return next(iter(self._behind_env()), "")

    def arguments(self) -> tuple[str, ...]:
        """All after the program, as it was given them."""
        return tuple(self._behind_env()[1:])

    def _behind_env(self) -> list[str]:
        if self.words[:1] != ("env",):
            return list(self.words)
        return list(itertools.dropwhile(lambda word: "=" in word, self.words[1:]))

    def _is_main(self) -> bool:
        return any(_name(word) == "main.py" for word in self.words)


def _name(word: str) -> str:
    return Path(word).name
