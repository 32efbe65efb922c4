"""The states of all random generators that a training draws from, as plain numbers.

Python's and NumPy's generators give their states. Paddle's does not in every version: 2.6 leaves it out of what it
pickles. So it is given a new seed, drawn from itself, whenever its state is asked for, and goes on from there; only
a network with dropout notices. Loader workers are seeded by a draw from NumPy's.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import paddle

# what Paddle's operator draws from, a range of int32
_SEEDS = 2**31 - 1


def snapshot() -> dict[str, Any]:
    """What :func:`restore` goes on from; for JSON."""
    version, words, gaussian = random.getstate()
    name, key, *rest = np.random.get_state()
    seed = paddle.randint(0, _SEEDS, [1]).item()
    paddle.seed(seed)
    return {
        "python": [version, list(words), gaussian],
        "numpy": [name, np.asarray(key).tolist(), *rest],
        "paddle": seed,
    }


def restore(states: dict[str, Any]) -> None:
    """Have all generators go on from a :func:`snapshot`.

    Raises:
        ValueError, TypeError, KeyError: it is none.
    """
    version, words, gaussian = states["python"]
    random.setstate((version, tuple(words), gaussian))
    name, key, *rest = states["numpy"]
    np.random.set_state((name, np.array(key, dtype=np.uint32), *rest))
    paddle.seed(states["paddle"])
