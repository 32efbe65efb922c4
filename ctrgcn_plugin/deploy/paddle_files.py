"""Networks as Paddle's inference files."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paddle
from paddle import nn

from ctrgcn_plugin.deploy.fused import folding, graph
from ctrgcn_plugin.deploy.fused.paddle_ops import Bias, PaddleOps
from ctrgcn_plugin.models import operations
from ctrgcn_plugin.models.network import Network

INPUT = "clips"


def record_fused(network: Network, clip_shape: Sequence[int], prefix: Path, bias: Bias, dtype: str) -> None:
    """Record the fused network for clips of shape (C, T, V, 1 to M) into files named `prefix`.

    Args:
        dtype: that constants are stored in.
    """
    channels, frames, joints, _ = clip_shape
    folded = folding.fold(network, frames)
    with _static_mode():
        program, start_up = paddle.static.Program(), paddle.static.Program()
        with paddle.static.program_guard(program, start_up):
            clips = paddle.static.data(INPUT, [-1, channels, frames, joints, -1], "float32")
            scores = graph.forward(PaddleOps(bias, dtype), folded, clips, frames)
            executor = paddle.static.Executor(paddle.CPUPlace())
            executor.run(start_up)
            paddle.static.save_inference_model(str(prefix), [clips], [scores], executor, program=program)


def trace(network: Network, clip_shape: Sequence[int], prefix: Path, *, as_recognizer: bool, as_matmul: bool) -> None:
    """Record the layers as they are, for clips of shape (C, T, V, M), into files named `prefix`.

    Args:
        as_recognizer: with upstream's interface: a batch is a list, and its clips are called ``data_batch_0``.
        as_matmul: aggregate by a matmul in place of an einsum.
    """
    # to_static changes the layer that it is given, and the gate compares with the one that was trained
    network = copy.deepcopy(network)
    spec = paddle.static.InputSpec([None, *clip_shape], "float32", INPUT)
    # their control flow does not depend on values, so tracing them is enough: Paddle need not rewrite their
    # source, which takes most of the time, and which Paddle 2.6 cannot do where there is a super()
    for part in (network.backbone, network.head):
        paddle.jit.not_to_static(type(part).forward)
    if as_recognizer:
        layer: nn.Layer = _Recognizer(network)
        inputs: list[Any] = [[paddle.static.InputSpec([None, *clip_shape], "float32")]]
    else:
        layer, inputs = nn.Sequential(network.backbone, network.head), [spec]
    layer.eval()
    with _aggregation(as_matmul):
        static = paddle.jit.to_static(layer, input_spec=inputs, full_graph=True)
        paddle.jit.save(static, str(prefix))


class _Recognizer(nn.Layer):
    """A recognizer's interface: a batch is a list that begins with the clips."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, data_batch: Sequence[paddle.Tensor]) -> paddle.Tensor:
        return self.network(data_batch[0])


@contextmanager
def _aggregation(as_matmul: bool) -> Iterator[None]:
    original = operations.aggregate
    if as_matmul:
        operations.aggregate = operations.aggregate_by_matmul
    try:
        yield
    finally:
        operations.aggregate = original


@contextmanager
def _static_mode() -> Iterator[None]:
    dynamic = paddle.in_dynamic_mode()
    paddle.enable_static()
    try:
        yield
    finally:
        if dynamic:
            paddle.disable_static()
