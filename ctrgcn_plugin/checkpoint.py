"""Checkpoints: read without running code, held against a model key by key, loaded with a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Union

import numpy as np

from ctrgcn_plugin import weights
from ctrgcn_plugin.convert import forms, torch_files
from ctrgcn_plugin.errors import CheckpointError, one_line

READERS = {
    ".pdparams": weights.read_paddle,
    ".safetensors": weights.read_safetensors,
    ".onnx": weights.read_onnx,
    ".pt": torch_files.read,
    ".pth": torch_files.read,
}
OTHER_FLOATS = ("float16", "bfloat16", "float64")
# nn.Sequential(backbone, head), as upstream's RecognizerDistillation names its networks' parts
SEQUENTIAL_PARTS = {"0": "backbone", "1": "head"}
SHOWN = 3


def existing(path: Union[str, Path], suffixes: Sequence[str] = tuple(READERS)) -> Path:
    """`path`, if there is a file; the error says which of `suffixes` lie where it was looked for."""
    path = Path(path)
    if not path.is_file():
        files = sorted(path.parent.iterdir()) if path.parent.is_dir() else []
        beside = [file.name for file in files if file.suffix.lower() in suffixes]
        found = f"; in {path.parent} there is {', '.join(beside)}" if beside else ""
        raise CheckpointError(f"no checkpoint at {path}{found}; give the path of a {_or(suffixes)} file")
    return path


def read(path: Union[str, Path]) -> dict[str, np.ndarray]:
    """What :func:`arrays` reads, under Paddle's keys where it is of a form that is known."""
    state = forms.unwrapped(arrays(path))
    form = forms.recognised(state)
    return forms.in_paddle(state, form)[0] if form else state


def arrays(path: Union[str, Path]) -> dict[str, np.ndarray]:
    """State-dict key -> array of a checkpoint in any supported format; floats of any precision as float32."""
    path = existing(path)
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise CheckpointError(f"{path} has no supported format; give a {_or(tuple(READERS))} file")
    try:
        state = READERS[suffix](path)
    except CheckpointError:
        raise
    except Exception as error:  # a damaged file raises whatever its bytes happen to mean
        raise CheckpointError(f"{path} cannot be read as a {suffix} file: {one_line(error)}") from error
    # a parameter takes no other type than its own
    return {
        key: value.astype(np.float32) if value.dtype.name in OTHER_FLOATS else value for key, value in state.items()
    }


def _or(suffixes: Sequence[str]) -> str:
    *first, last = suffixes
    return f"{', '.join(first)} or {last}" if first else last


def canonical(key: str, networks: tuple[str, ...] = ()) -> str:
    """`key` with ``0.``/``1.`` spelled as ``backbone.``/``head.``, also behind a network's name."""
    head, _, rest = key.partition(".")
    if head in networks:
        return f"{head}.{canonical(rest)}"
    return f"{SEQUENTIAL_PARTS.get(head, head)}.{rest}" if rest else key


def of_network(state: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The part of a checkpoint that belongs to network `name`; all of it where it names no networks."""
    prefix = name + "."
    own = {canonical(key[len(prefix) :]): value for key, value in state.items() if key.startswith(prefix)}
    return own or {canonical(key): value for key, value in state.items()}


@dataclass
class Fit:
    """How a checkpoint's keys meet a model's."""

    matched: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    misfit: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return not self.missing and not self.misfit

    def __str__(self) -> str:
        counts = [f"{len(self.matched)} keys match"]
        for word in ("missing", "misfit", "extra"):
            keys = getattr(self, word)
            if keys:
                shown = ", ".join(keys[:SHOWN]) + (", ..." if len(keys) > SHOWN else "")
                counts.append(f"{len(keys)} {word} ({shown})")
        return ", ".join(counts)


def compare(model_state: Mapping[str, Any], state: Mapping[str, Any]) -> Fit:
    """Hold a checkpoint's keys and shapes against a model's state dict."""
    fit = Fit(extra=[key for key in state if key not in model_state])
    for key, own in model_state.items():
        if key not in state:
            fit.missing.append(key)
        elif list(state[key].shape) == list(own.shape):
            fit.matched.append(key)
        else:
            fit.misfit.append(f"{key} {list(state[key].shape)} for {list(own.shape)}")
    return fit


def load_into(layer: Any, state: Mapping[str, Any], source: object, strict: bool = True) -> Fit:
    """Load what fits of `state` into a paddle Layer and say how it fitted.

    Args:
        source: names the checkpoint in an error.
        strict: refuse a checkpoint that leaves any of the layer's values unset; otherwise only one
            of which nothing fits.
    """
    own = layer.state_dict()
    fit = compare(own, state)
    if not fit.matched or (strict and not fit.complete):
        ending = "its temporal units end in a ReLU, as CTRGCNRectified's; " if forms.is_rectified(fit.extra) else ""
        raise CheckpointError(
            f"{source} does not fit {type(getattr(layer, 'backbone', layer)).__name__}: {fit}; {ending}"
            "give the checkpoint that was trained with this config, or the config it was trained with"
        )
    for key in fit.matched:
        own[key].set_value(state[key])
    return fit
