"""The key forms of CTR-GCN's implementations, and what each does to the values, as tables held against Paddle's.

What differs besides names, found in the code of each:

- A linear layer's weight is (out, in) in PyTorch and (in, out) in Paddle.
- pyskl and mmaction2 aggregate along the other axis of the topology (``ncuv,nctu->nctv``): the shared topology is
  transposed, and so is the relation, tanh(query_u - key_v). That is the relation with the two convolutions exchanged
  and its sign changed, which the lifting convolution's weight takes.
- pyskl and mmaction2 end the temporal unit in a ReLU, before the residual is added. No weights make up for that: they
  are CTRGCNRectified's, whose temporal units have :data:`RECTIFIED` keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Optional, TypeVar

import numpy as np

from ctrgcn_plugin.errors import CheckpointError

BLOCKS = 10
PADDLE_BLOCKS = [f"backbone.l{number}" for number in range(1, BLOCKS + 1)]
# DataParallel's name for the network in it
WRAPPED = "module."
STATISTICS = {"running_mean": "_mean", "running_var": "_variance"}
# PyTorch counts the batches beside a BN's statistics, and with a momentum makes no use of it
COUNT = "num_batches_tracked"
HEAD = "head.fc.weight"
# Paddle's name for the shared topology of a backbone that is not adaptive: its layout's adjacency
CONSTANT = ".gcn1.A"
# in Paddle's keys: a temporal unit, and one that ends in a ReLU
TEMPORAL, RECTIFIED = ".tcn1.", ".tcn1.0."

Value = TypeVar("Value")


@dataclass(frozen=True)
class Form:
    """An implementation's keys beside Paddle's.

    Attributes:
        name: what a user calls it.
        parts: beginnings of keys -> Paddle's.
        words: of the rest of a key, between dots -> Paddle's; no two have the same.
        turned: ends of Paddle's keys -> what becomes of their values, either way: done twice, it undoes itself.
        absent: ends of Paddle's keys that a state dict of this form does not have.
        unused: keys of what takes no part in the forward pass.
        counts: whether each BN has :data:`COUNT`.
        rectified: whether its temporal units end in a ReLU; None where keys say it.
    """

    name: str
    parts: Mapping[str, str]
    words: Mapping[str, str] = field(default_factory=dict)
    turned: Mapping[str, Callable[[np.ndarray], np.ndarray]] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    counts: bool = True
    rectified: Optional[bool] = False

    def to_paddle(self, key: str) -> str | None:
        """Paddle's name for a key of this form; None where it has none."""
        name = _renamed(key, self.parts, self.words)
        return _with_temporal(name, RECTIFIED) if name and self.rectified else name

    def from_paddle(self, key: str) -> str | None:
        """The same the other way round."""
        plain = key if self.rectified is None else _with_temporal(key, TEMPORAL)
        return _renamed(plain, _swapped(self.parts), _swapped(self.words))

    def turn(self, key: str, value: np.ndarray) -> np.ndarray:
        """The value of Paddle's `key` in the other of the two forms."""
        turns = (turn for end, turn in self.turned.items() if key.endswith(end))
        return next(turns, _same)(value)

    def is_unused(self, key: str) -> bool:
        """Whether `key` is of what takes no part in the forward pass."""
        return key in self.unused or key.endswith(f".{COUNT}")


def _same(value: np.ndarray) -> np.ndarray:
    return value


def _transposed(value: np.ndarray) -> np.ndarray:
    # of another shape it fits nothing, which is found when it is held against a network
    return value.swapaxes(-1, -2) if value.ndim > 1 else value


def _negated(value: np.ndarray) -> np.ndarray:
    return -1 * value


def _mmlab(name: str, head: str) -> Form:
    """pyskl's form, or that of mmaction2, which comes from it."""
    return Form(
        name,
        {
            "backbone.data_bn": "backbone.data_bn",
            **{f"backbone.net.{number}": block for number, block in enumerate(PADDLE_BLOCKS)},
            f"cls_head.{head}": "head.fc",
        },
        {**STATISTICS, "A": "PA", "conv1": "conv2", "conv2": "conv1"},
        {HEAD: _transposed, ".PA": _transposed, CONSTANT: _transposed, ".conv4.weight": _negated},
        unused=("backbone.A",),
        rectified=True,
    )


PADDLE = Form(
    "paddle", {part: part for part in ("backbone.data_bn", *PADDLE_BLOCKS, "head.fc")}, counts=False, rectified=None
)
ORIGINAL = Form(
    "original",
    {"data_bn": "backbone.data_bn", **{block.partition(".")[2]: block for block in PADDLE_BLOCKS}, "fc": "head.fc"},
    STATISTICS,
    {HEAD: _transposed},
    absent=(CONSTANT,),
)
PYSKL = _mmlab("pyskl", "fc_cls")
FORMS = {form.name: form for form in (PADDLE, ORIGINAL, PYSKL, _mmlab("mmaction2", "fc"))}


def unwrapped(state: Mapping[str, Any]) -> dict[str, Any]:
    """`state` without DataParallel's prefix, where all of its keys have it."""
    wrapped = bool(state) and all(key.startswith(WRAPPED) for key in state)
    return {key[len(WRAPPED) :] if wrapped else key: value for key, value in state.items()}


def recognised(state: Mapping[str, Any]) -> Form | None:
    """The form that most of a state dict's keys are of; None where that is not at least half of them."""
    known = {name: sum(form.to_paddle(key) is not None for key in state) for name, form in FORMS.items()}
    name = max(known, key=known.__getitem__)
    return FORMS[name] if 2 * known[name] >= len(state) > 0 else None


def is_rectified(keys: Iterable[str]) -> bool:
    """Whether Paddle's `keys` are of temporal units that end in a ReLU."""
    return any(RECTIFIED in key for key in keys)


def for_temporal(values: Mapping[str, Value], rectified: bool) -> dict[str, Value]:
    """`values` under Paddle's keys of temporal units that end in a ReLU, or of such that do not."""
    return {_with_temporal(key, RECTIFIED if rectified else TEMPORAL): value for key, value in values.items()}


def in_paddle(state: Mapping[str, np.ndarray], form: Form) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """A state dict of `form` in Paddle's, and for each of its keys what it was called.

    What is unused is left out; keys that the form does not know stay as they are.
    """
    names = {form.to_paddle(key) or key: key for key in state if not form.is_unused(key)}
    return {key: form.turn(key, state[name]) for key, name in names.items()}, names


def of_paddle(state: Mapping[str, np.ndarray], form: Form) -> dict[str, np.ndarray]:
    """Paddle's state dict in `form`; in its own implementation it loads strictly but for what is unused."""
    result: dict[str, np.ndarray] = {}
    for key, value in state.items():
        if key.endswith(form.absent):
            continue
        name = form.from_paddle(key)
        if name is None:
            raise CheckpointError(f"{key!r} has no place in form {form.name}")
        result[name] = form.turn(key, value)
        if form.counts and name.endswith(".running_var"):
            result[name.replace("running_var", COUNT)] = np.zeros((), np.int64)
    return result


def _with_temporal(key: str, part: str) -> str:
    return key.replace(RECTIFIED, TEMPORAL).replace(TEMPORAL, part)


def _renamed(key: str, parts: Mapping[str, str], words: Mapping[str, str]) -> str | None:
    for part, other in parts.items():
        if key.startswith(f"{part}."):
            rest = key[len(part) + 1 :].split(".")
            return ".".join([other, *(words.get(word, word) for word in rest)])
    return None


def _swapped(names: Mapping[str, str]) -> dict[str, str]:
    return {other: own for own, other in names.items()}
