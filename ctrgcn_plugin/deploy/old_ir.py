"""Recording ``.pdmodel`` files on Paddle 3, whose own format is ``.json``.

Paddle 3 can still record programs in the form of Paddle 2, and the OpenVINO inside it takes no other. From 3.3
on, some of its functions no longer can; those that a network of this family needs are stood in for meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import paddle
from paddle.base.layer_helper import LayerHelper


@contextmanager
def recording() -> Iterator[None]:
    """Inside, static programs are recorded as ``.pdmodel``."""
    guard = getattr(getattr(paddle, "pir_utils", None), "OldIrGuard", None)
    if guard is None:  # Paddle 2 knows nothing else
        yield
        return
    originals = {name: getattr(paddle, name) for name in _STAND_INS}
    dynamic = paddle.in_dynamic_mode()
    with guard():
        if dynamic:  # the guard leaves it
            paddle.disable_static()
        try:
            for name, stand_in in _STAND_INS.items():
                setattr(paddle, name, stand_in(originals[name]))
            yield
        finally:
            for name, original in originals.items():
                setattr(paddle, name, original)


def _append(kind: str, attributes: dict[str, Any], **inputs: Any) -> Any:
    helper = LayerHelper(kind)
    output = helper.create_variable_for_type_inference(inputs["X"].dtype)
    named = {name: [value] for name, value in inputs.items()}
    helper.append_op(type=kind, inputs=named, outputs={"Out": [output]}, attrs=attributes)
    return output


def _is_recorded(x: Any) -> bool:
    # in dynamic mode a tensor with values passes for a Variable
    return not paddle.in_dynamic_mode() and isinstance(x, paddle.base.framework.Variable)


def _tanh(original: Any) -> Any:
    def tanh(x: Any) -> Any:
        return _append("tanh", {}, X=x) if _is_recorded(x) else original(x)

    return tanh


def _matmul(original: Any) -> Any:
    def matmul(x: Any, y: Any, transpose_x: bool = False, transpose_y: bool = False) -> Any:
        if not _is_recorded(x):
            return original(x, y, transpose_x, transpose_y)
        return _append("matmul_v2", {"trans_x": transpose_x, "trans_y": transpose_y}, X=x, Y=y)

    return matmul


def _sum(original: Any) -> Any:
    def total(x: Any, axis: int) -> Any:
        if not _is_recorded(x):
            return original(x, axis)
        return _append("reduce_sum", {"dim": [axis], "keep_dim": False, "reduce_all": False}, X=x)

    return total


_STAND_INS = {"tanh": _tanh, "matmul": _matmul, "sum": _sum}
