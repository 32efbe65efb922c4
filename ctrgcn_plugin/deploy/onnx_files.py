"""Networks as ONNX files; the libraries come with the extras ``onnx`` and ``paddle2onnx``."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ctrgcn_plugin.deploy import stdout
from ctrgcn_plugin.deploy.engines import EngineError
from ctrgcn_plugin.deploy.fused import folding, graph
from ctrgcn_plugin.models.network import Network

OPSET = 13
# smaller constants are shapes and axes, or not worth a node
HALVED_FROM = 16  # values
# what paddle2onnx and the optimiser it calls tell of their progress
_CHATTER = re.compile(rb"\[Paddle2ONNX\]|\[I\]|\[W\]|.*\[INFO\]|\s*$")


def fused(network: Network, clip_shape: Sequence[int]) -> Any:
    """The fused network for clips of shape (C, T, V, 1 to M), as an ``onnx.ModelProto``."""
    _require("onnx", "onnx")
    from ctrgcn_plugin.deploy.fused import onnx_ops

    frames = clip_shape[1]
    ops = onnx_ops.OnnxOps()
    scores = graph.forward(ops, folding.fold(network, frames), onnx_ops.INPUT, frames)
    return ops.model(scores, clip_shape, network.head.num_classes)


def converted(model_file: Path, params_file: Path) -> Any:
    """A model in Paddle's format, converted by paddle2onnx."""
    # it would install packages on its own
    os.environ.setdefault("POLYGRAPHY_AUTOINSTALL_DEPS", "0")
    _require("onnx", "onnx")
    _require("paddle2onnx", "paddle2onnx")
    import onnx
    import paddle2onnx

    target = model_file.with_suffix(".onnx")
    with stdout.without(_CHATTER):
        paddle2onnx.export(str(model_file), str(params_file), str(target), opset_version=OPSET, verbose=False)
    model = onnx.load(str(target))
    target.unlink()
    return model


def save(model: Any, path: Path, dtype: str) -> None:
    """Write a model whose weights are stored as `dtype`; its arithmetic stays float32."""
    import onnx

    if dtype != "float32":
        _store_as(model.graph, np.dtype(dtype))
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def _store_as(onnx_graph: Any, dtype: np.dtype) -> None:
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for stored in onnx_graph.initializer:
        values = numpy_helper.to_array(stored)
        if values.dtype != np.float32 or values.size < HALVED_FROM:
            continue
        name = stored.name
        stored.CopyFrom(numpy_helper.from_array(values.astype(dtype), f"{name}_stored"))
        casts.append(helper.make_node("Cast", [stored.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *onnx_graph.node]
    del onnx_graph.node[:]
    onnx_graph.node.extend(nodes)


def _require(library: str, extra: str) -> None:
    if importlib.util.find_spec(library) is None:
        raise EngineError(f'{library} is not installed; pip install "ctrgcn-plugin[{extra}]"')
