"""What a chain needs of PaddleVideo's folder and of this machine, looked for before any of its scripts run."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

from ctrgcn_plugin import configs
from ctrgcn_plugin.errors import ConfigError, EnvironmentSetupError, UserError
from ctrgcn_plugin.models.network import build_network
from ctrgcn_plugin.tipc.chain import Chain
from ctrgcn_plugin.tipc.commands import CONVERT, CONVERTER, EVAL, QUANTISE, TRAIN, Command
from ctrgcn_plugin.tipc.reference import find_config

# which part of DATASET a command reads
READS = {TRAIN: "train", EVAL: "test"}
DATA_KEYS = ("file_path", "label_path")
# what has to be installed for a command
PACKAGES = {CONVERT: CONVERTER, QUANTISE: "paddleslim"}
SHELL = "bash"
INPUT = "--input_file"
GPU = "--use_gpu"


def require_programs(chain: Chain, search_path: str) -> None:
    """Raise an EnvironmentSetupError for an interpreter or converter that is not installed.

    Args:
        search_path: where programs are looked for, as in PATH.
    """
    if not shutil.which(SHELL, path=search_path):
        raise EnvironmentSetupError(f"TIPC's scripts need {SHELL}, which is not here")
    line = chain.python
    for name in (Command.parse(text).program for text in line.alternatives()):
        if not shutil.which(name, path=search_path):
            raise EnvironmentSetupError(
                f"{chain.file.name}, line {line.number}: there is no interpreter {name!r} here; "
                "write python, which is the one that runs this command"
            )
    for line, command in chain.commands(""):
        if command.purpose in PACKAGES and not find_spec(PACKAGES[command.purpose]):
            raise EnvironmentSetupError(
                f"{chain.file.name}, line {line.number} needs {PACKAGES[command.purpose]}, which is not installed: "
                f"pip install {PACKAGES[command.purpose]}, in an environment of its own"
            )


def require(chain: Chain, root: Path, mode: str) -> None:
    """Raise an error that names the line of the config and what is missing in PaddleVideo's folder, or here."""
    for line, command in chain.commands(mode):
        where = f"{chain.file.name}, line {line.number}"
        if command.script and not (root / command.script).is_file():
            raise ConfigError(f"{where}: there is no script {command.script} in {root}")
        if command.config:
            _require_config(where, command, root)
    for line in chain.lines:
        if line.key == INPUT and not line.is_null and not (root / chain.clip_folder / line.value).exists():
            raise UserError(f"{chain.file.name}, line {line.number}: there is no clip at {line.value} in {root}")
        if line.key == GPU and "True" in line.alternatives() and not _has_gpu():
            raise EnvironmentSetupError(
                f"{chain.file.name}, line {line.number} asks for a GPU, and Paddle has none here; "
                "take a chain for the CPU, or write --use_gpu:False"
            )


def _require_config(where: str, command: Command, root: Path) -> None:
    assert command.config is not None
    try:
        config = configs.load(find_config(root, command.config), command.overrides(), need=())
        if command.purpose == TRAIN:
            build_network(config.get("MODEL") or {})
    except UserError as error:
        raise ConfigError(f"{where}: {error}") from error
    part = READS.get(command.purpose)
    section = (config.get("DATASET") or {}).get(part) or {}
    for key in DATA_KEYS:
        path = section.get(key)
        if path and not (root / path).is_file():
            raise UserError(
                f"{where}: no data to {command.purpose}: DATASET.{part}.{key} is {path}, and that is not in {root}; "
                "prepare NTU RGB+D there, or take the mode lite_train_lite_infer, for which clips are made"
            )


def _has_gpu() -> bool:
    import paddle

    return bool(paddle.device.is_compiled_with_cuda() and paddle.device.cuda.device_count())
