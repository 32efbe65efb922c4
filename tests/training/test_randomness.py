"""Random generators that go on from where a snapshot was taken, and what is put back beside them."""

from __future__ import annotations

import json
import random

import numpy as np
import paddle
import pytest

from ctrgcn_plugin.training import randomness


def _draws() -> list[float]:
    numbers = [random.random(), random.gauss(0, 1), np.random.rand(), np.random.standard_normal()]
    return [*numbers, *paddle.rand([3]).tolist(), *paddle.nn.functional.dropout(paddle.ones([9]), 0.5).tolist()]


def test_all_go_on_from_a_snapshot():
    # an odd number of normal draws: the second of a pair is kept for later
    random.gauss(0, 1), np.random.standard_normal(), paddle.rand([7])
    snapshot = json.loads(json.dumps(randomness.snapshot()))
    drawn = _draws()
    assert _draws() != drawn
    randomness.restore(snapshot)
    assert _draws() == drawn


def test_snapshots_follow_the_seed():
    found = []
    for _ in range(2):
        paddle.seed(7)
        found.append([randomness.snapshot()["paddle"], *paddle.rand([3]).tolist(), randomness.snapshot()["paddle"]])
    assert found[0] == found[1] and found[0][0] != found[0][-1]


@pytest.mark.parametrize("damaged", [{}, {"python": 3}, {"python": [3, [1], None]}])
def test_what_is_no_snapshot_is_refused(damaged):
    with pytest.raises((ValueError, TypeError, KeyError)):
        randomness.restore({**damaged})
