"""Fused graphs as ONNX models (opset 13)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 13
# the file format of opset 13's time, which old runtimes read as well
IR_VERSION = 8
INPUT, OUTPUT = "clips", "scores"


class OnnxOps:
    """:class:`~ctrgcn_plugin.deploy.fused.ops.Ops` whose values are names of tensors."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.stored: dict[tuple[str, tuple[int, ...], bytes], onnx.TensorProto] = {}

    def _node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        return self._nodes(kind, 1, *inputs, **attributes)[0]

    def _nodes(self, kind: str, count: int, *inputs: str, **attributes: Any) -> list[str]:
        outputs = [f"{kind.lower()}_{len(self.nodes)}_{number}" for number in range(count)]
        self.nodes.append(helper.make_node(kind, inputs, outputs, **attributes))
        return outputs

    def _store(self, values: np.ndarray) -> str:
        key = (values.dtype.str, values.shape, values.tobytes())
        if key not in self.stored:
            self.stored[key] = numpy_helper.from_array(np.ascontiguousarray(values), f"stored_{len(self.stored)}")
        return str(self.stored[key].name)

    def _integers(self, *values: int) -> str:
        return self._store(np.array(values, dtype=np.int64))

    def constant(self, values: np.ndarray) -> str:
        return self._store(values.astype(np.float32))

    def zeros(self, *shape: int) -> str:
        return self._node("ConstantOfShape", self._integers(*shape))

    def conv(
        self, x: str, weight: np.ndarray, bias: np.ndarray, *, stride: int = 1, dilation: int = 1, groups: int = 1
    ) -> str:
        kernel = weight.shape[2]
        padding = dilation * (kernel - 1) // 2
        return self._node(
            "Conv",
            x,
            self.constant(weight[:, :, None]),
            self.constant(bias),
            kernel_shape=[1, kernel],
            strides=[1, stride],
            dilations=[1, dilation],
            pads=[0, padding, 0, padding],
            group=groups,
        )

    def max_pool(self, x: str, stride: int) -> str:
        return self._node("MaxPool", x, kernel_shape=[1, 3], strides=[1, stride], pads=[0, 1, 0, 1])

    def matmul(self, a: str, b: str) -> str:
        return self._node("MatMul", a, b)

    def add(self, a: str, b: str) -> str:
        return self._node("Add", a, b)

    def add_bias(self, x: str, bias: np.ndarray) -> str:
        return self.add(x, self.constant(bias[None, :, None, None]))

    def subtract(self, a: str, b: str) -> str:
        return self._node("Sub", a, b)

    def multiply(self, a: str, b: str) -> str:
        return self._node("Mul", a, b)

    def relu(self, x: str) -> str:
        return self._node("Relu", x)

    def tanh(self, x: str) -> str:
        return self._node("Tanh", x)

    def mean(self, x: str, axes: Sequence[int]) -> str:
        return self._node("ReduceMean", x, axes=list(axes), keepdims=1)

    def sum(self, x: str, axis: int) -> str:
        return self._node("ReduceSum", x, self._integers(axis), keepdims=0)

    def split(self, x: str, parts: int) -> list[str]:
        return self._nodes("Split", parts, x, axis=1)

    def concat(self, values: Sequence[str], axis: int) -> str:
        return self._node("Concat", *values, axis=axis)

    def reshape(self, x: str, shape: Sequence[int]) -> str:
        return self._node("Reshape", x, self._integers(*shape))

    def transpose(self, x: str, order: Sequence[int]) -> str:
        return self._node("Transpose", x, perm=list(order))

    def persons(self, clips: str) -> str:
        return self._node("Gather", self._node("Shape", clips), self._integers(4))

    def count_to(self, number: str) -> str:
        scalars = [self._store(np.array(value)) for value in (0, 1)]
        return self._node("Range", scalars[0], self._node("Squeeze", number), scalars[1])

    def gather(self, constant: str, entries: str) -> str:
        return self._node("Gather", constant, entries, axis=0)

    def unfold_persons(self, features: str, persons: str) -> str:
        width = self._node("Slice", self._node("Shape", features), self._integers(1), self._integers(2))
        return self._node("Reshape", features, self._node("Concat", self._integers(-1), persons, width, axis=0))

    def model(self, scores: str, clip_shape: Sequence[int], classes: int) -> onnx.ModelProto:
        """The finished model for clips of shape (C, T, V, M)."""
        self.nodes.append(helper.make_node("Identity", [scores], [OUTPUT]))
        graph = helper.make_graph(
            self.nodes,
            "ctrgcn",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["N", *clip_shape[:-1], "M"])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["N", classes])],
            list(self.stored.values()),
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
