"""A config and a checkpoint become an inference model with a card, or nothing at all."""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np
import paddle

from ctrgcn_plugin import checkpoint, configs
from ctrgcn_plugin.deploy import gate
from ctrgcn_plugin.deploy.card import CARD_SUFFIX, Card
from ctrgcn_plugin.deploy.engine import MODEL_SUFFIXES, PARAMS_SUFFIX, SETTINGS, PaddleEngine
from ctrgcn_plugin.errors import ConfigError, UserError
from ctrgcn_plugin.models.network import STUDENT, Network, build_network

# defaults of upstream's CTRGCN_Inference_helper, for a config without INFERENCE
WINDOW_SIZE = 64
P_INTERVAL = (0.95,)
# INFERENCE's names for a backbone's clip_shape
SHAPE_KEYS = ("num_channels", "vertex_nums", "person_nums")


@dataclass(frozen=True)
class Exported:
    """What :func:`export` has written.

    Attributes:
        model: ``.json`` or ``.pdmodel``, whichever this Paddle writes.
        params: ``.pdiparams``.
        card_file: ``.yaml``.
        card: its content.
        checks: all that the gate has compared.
    """

    model: Path
    params: Path
    card_file: Path
    card: Card
    checks: list[gate.Check]


def export(
    config_path: Union[str, os.PathLike[str]],
    weights: Union[str, os.PathLike[str]],
    output_dir: Union[str, os.PathLike[str]],
    *,
    save_name: Optional[str] = None,
    overrides: Iterable[str] = (),
) -> Exported:
    """Export a trained network, of a distillation its student.

    The files appear in `output_dir` together, after the gate has found the exported model equal to the
    network in all engine settings. After an error the folder is as it was before.

    Args:
        config_path: in PaddleVideo's form, a path or a shipped config's name. INFERENCE may be left out:
            the shape is the backbone's, window_size and p_interval those of upstream's helper.
        weights: ``.pdparams`` that fit the network completely.
        save_name: what to call the files, instead of the config's model_name.
        overrides: ``a.b.0.c=value`` for the config.

    Raises:
        ConfigError, CheckpointError: config or checkpoint cannot be used.
        ExportError: the exported model computes something else than the network.
        UserError: `output_dir` cannot be written to.
    """
    config = configs.load(os.fspath(config_path), overrides)
    network = build_network(config["MODEL"])
    name = _file_name(save_name or config.get("model_name") or type(network.backbone).__name__)
    window_size, p = sampling(config.get("INFERENCE") or {}, network.backbone.clip_shape)
    state = checkpoint.read(os.fspath(weights))
    student = config["MODEL"].get("student", STUDENT)
    checkpoint.load_into(network, checkpoint.of_network(state, student), weights)
    network.eval()

    channels, joints, persons = network.backbone.clip_shape
    clip_shape = (channels, window_size, joints, persons)
    with _staging(Path(output_dir)) as staging:
        model, params = save_static(network, clip_shape, staging)
        engines = {setting: PaddleEngine(model, params, onednn=onednn).run for setting, onednn in SETTINGS.items()}
        checks = gate.compare(_eager(network), engines, clip_shape)
        gate.require(checks)
        card = Card(
            model=name,
            backbone=type(network.backbone).__name__,
            channels=channels,
            frames=window_size,
            joints=joints,
            persons=persons,
            p_interval=[p],
            classes=network.head.num_classes,
            parameters=parameter_count(network),
            paddle=paddle.__version__,
            worst_error=gate.worst(checks).error,
            verified=list(SETTINGS),
        )
        card_file = staging / f"model{CARD_SUFFIX}"
        card_file.write_text(card.text(), encoding="utf-8")
        model, params, card_file = _place((model, params, card_file), Path(output_dir), name)
    return Exported(model, params, card_file, card, checks)


def sampling(inference: Any, clip_shape: tuple[int, int, int]) -> tuple[int, float]:
    """window_size and p of an INFERENCE section, whose shape must be the backbone's (C, V, M)."""
    if not isinstance(inference, Mapping):
        raise ConfigError(f"INFERENCE must be a mapping of window_size, p_interval and so on, got {inference!r}")
    for key, own in zip(SHAPE_KEYS, clip_shape):
        if inference.get(key, own) != own:
            raise ConfigError(f"INFERENCE.{key} is {inference[key]!r}, but the backbone takes {own}; make them agree")
    window_size = inference.get("window_size", WINDOW_SIZE)
    if not isinstance(window_size, int) or window_size < 1:
        raise ConfigError(f"INFERENCE.window_size must be a number of frames, got {window_size!r}")
    p_interval = inference.get("p_interval", P_INTERVAL)
    if not isinstance(p_interval, (list, tuple)) or len(p_interval) != 1 or not _is_part(p_interval[0]):
        raise ConfigError(
            f"INFERENCE.p_interval must be [p] with p in (0, 1], the part of a clip to keep, got {p_interval!r}; "
            "an interval of two would crop at random"
        )
    return window_size, float(p_interval[0])


def save_static(network: Network, clip_shape: tuple[int, ...], folder: Path) -> tuple[Path, Path]:
    """Save `network` for any number of clips of shape (C, T, V, M): the model and parameter files in `folder`."""
    spec = paddle.static.InputSpec([None, *clip_shape], "float32", "clips")
    # their control flow does not depend on values, so tracing them is enough: Paddle need not rewrite their
    # source, which takes most of the time, and which Paddle 2.6 cannot do where there is a super()
    for part in (network.backbone, network.head):
        paddle.jit.not_to_static(type(part).forward)
    # to_static changes the layer that it is given, and the gate compares with the one that was trained
    static = paddle.jit.to_static(copy.deepcopy(network), input_spec=[spec], full_graph=True)
    paddle.jit.save(static, str(folder / "model"))
    (model,) = (folder / f"model{suffix}" for suffix in MODEL_SUFFIXES if (folder / f"model{suffix}").is_file())
    return model, folder / f"model{PARAMS_SUFFIX}"


def parameter_count(network: Network) -> int:
    """How many values are trained; Paddle counts BN statistics among the parameters, and they are not."""
    return sum(int(np.prod(parameter.shape)) for parameter in network.parameters() if not parameter.stop_gradient)


def _eager(network: Network) -> gate.Runner:
    def run(x: np.ndarray) -> np.ndarray:
        with paddle.no_grad():
            return network(paddle.to_tensor(x)).numpy()

    return run


def _is_part(p: Any) -> bool:
    return isinstance(p, (int, float)) and 0 < p <= 1


def _file_name(name: Any) -> str:
    if not isinstance(name, str) or Path(name).name != name:
        raise ConfigError(f"files cannot be named {name!r}; give a save_name without folders")
    return name


@contextmanager
def _staging(output_dir: Path) -> Iterator[Path]:
    """A folder inside `output_dir`, on its file system, that is gone afterwards.

    So is `output_dir`, with those of its parents that were made for it, if nothing was placed in it.
    """
    made: list[Path] = []
    try:
        made += [folder for folder in (output_dir, *output_dir.parents) if not folder.exists()]
        output_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".export-", dir=output_dir) as staging:
            yield Path(staging)
    except OSError as error:
        if error.errno is None:  # raised by a library for its own reasons
            raise
        raise UserError(f"cannot write to {output_dir}: {error.strerror}; give another folder") from error
    finally:
        for folder in made:
            with suppress(OSError):  # not empty: something was placed
                folder.rmdir()


def _place(files: Sequence[Path], folder: Path, name: str) -> list[Path]:
    """Move staged files into `folder` as `name` with their suffixes: all of them or none."""
    targets = [folder / f"{name}{file.suffix}" for file in files]
    placed = []
    try:
        for file, target in zip(files, targets):
            file.replace(target)
            placed.append(target)
    except OSError:
        for target in placed:  # a mix of an old and a new export is worse than none
            target.unlink(missing_ok=True)
        raise
    for suffix in MODEL_SUFFIXES:  # an earlier Paddle's model has lost its parameters
        if folder / f"{name}{suffix}" not in targets:
            (folder / f"{name}{suffix}").unlink(missing_ok=True)
    return targets
