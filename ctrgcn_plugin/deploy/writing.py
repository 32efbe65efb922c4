"""A network as the files of an inference model: in three styles and two formats.

============  ========================================================================================
``plain``     the layers as they are, behind the interface that upstream's ``tools/export_model.py`` gives
``minimal``   ``nn.Sequential(backbone, head)``: the same without that shell
``fused``     what exact algebra makes of it, see :mod:`ctrgcn_plugin.deploy.fused`
============  ========================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ctrgcn_plugin.deploy import engines, old_ir, onnx_files, paddle_files
from ctrgcn_plugin.deploy.fused.paddle_ops import Bias
from ctrgcn_plugin.errors import ConfigError, unknown
from ctrgcn_plugin.models.network import Network

PLAIN, MINIMAL, FUSED = STYLES = ("plain", "minimal", "fused")
PRECISIONS: Mapping[str, str] = {"fp32": "float32", "fp16": "float16"}
STEM = "model"


# what is fastest in each, measured
BIAS: Mapping[str, Bias] = {
    engines.PADDLE: Bias.BATCH_NORM,
    engines.PADDLE_OPENVINO: Bias.CONV,
}


@dataclass(frozen=True)
class Order:
    """What is to be written.

    Attributes:
        style: one of :data:`STYLES`.
        engine: that the files are for; ``onnxruntime`` takes ``.onnx``, ``paddle-openvino`` takes ``.pdmodel``.
        precision: that weights are stored in. Arithmetic is float32 always.
        pdmodel: write ``.pdmodel``, also where Paddle's own format is ``.json``.
    """

    style: str = FUSED
    engine: str = engines.PADDLE
    precision: str = "fp32"
    pdmodel: bool = False

    def __post_init__(self) -> None:
        for kind, asked, there in (("style", self.style, STYLES), ("precision", self.precision, PRECISIONS)):
            if asked not in there:
                raise unknown(kind, asked, there)
        engines.require(self.engine)
        if self.precision != "fp32" and self.style != FUSED and self.engine != engines.ONNXRUNTIME:
            raise ConfigError(
                f"precision {self.precision} and style {self.style} do not go together in Paddle's format; "
                "take style fused, or format onnx"
            )

    @property
    def skips_absent(self) -> bool:
        """Whether the model takes clips of fewer persons, for those who are not there."""
        return self.style == FUSED

    @property
    def as_pdmodel(self) -> bool:
        return self.pdmodel or self.engine == engines.PADDLE_OPENVINO


def engine_for(format_: Optional[str], engine: Optional[str]) -> str:
    """The engine that a user means who has named a format (``paddle``, ``onnx``), an engine, both or neither."""
    meant = engine or (engines.ONNXRUNTIME if format_ == "onnx" else engines.PADDLE)
    own = "onnx" if meant == engines.ONNXRUNTIME else "paddle"
    if format_ not in (None, own):
        raise ConfigError(f"engine {meant} takes format {own}, not {format_}; give one of the two options alone")
    return meant


def write(network: Network, clip_shape: Sequence[int], folder: Path, order: Order) -> Path:
    """Write `network`, in eval mode, for any number of clips (C, T, V, M): the model file in `folder`."""
    dtype, prefix = PRECISIONS[order.precision], folder / STEM
    if order.engine == engines.ONNXRUNTIME and order.style == FUSED:
        onnx_files.save(onnx_files.fused(network, clip_shape), prefix.with_suffix(".onnx"), dtype)
        return prefix.with_suffix(".onnx")
    with old_ir.recording() if order.as_pdmodel else nullcontext():
        if order.style == FUSED:
            paddle_files.record_fused(network, clip_shape, prefix, BIAS[order.engine], dtype)
        else:
            paddle_files.trace(
                network,
                clip_shape,
                prefix,
                as_recognizer=order.style == PLAIN,
                # OpenVINO has no einsum and, unlike oneDNN, computes a matmul rightly
                as_matmul=order.engine == engines.PADDLE_OPENVINO,
            )
    (model,) = (file for file in folder.glob(f"{STEM}.*") if file.suffix in engines.PADDLE_SUFFIXES)
    if order.engine != engines.ONNXRUNTIME:
        return model
    parts = engines.files_of(model)
    onnx_files.save(onnx_files.converted(*parts), prefix.with_suffix(".onnx"), dtype)
    for part in parts:
        part.unlink()
    return prefix.with_suffix(".onnx")
