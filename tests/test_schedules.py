"""The warm-up cosine against upstream's numbers, by epoch and by iteration, and after a resume."""

from __future__ import annotations

import math

import pytest

from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.schedules import WarmupCosineDecay

RECIPE = {"warmup_start_lr": 0.01, "warmup_epochs": 2, "cosine_base_lr": 0.1, "max_epoch": 8}
# upstream's CustomWarmupCosineDecay with RECIPE and num_iters=5: every fifth value
UPSTREAM = [0.01, 0.04767766952966369, 0.08535533905932736, 0.06913417161825448, 0.04999999999999999,
            0.030865828381745487, 0.014644660940672594, 0.003806023374435641]  # fmt: skip


def _rates(schedule: WarmupCosineDecay, steps: int) -> list[float]:
    rates = []
    for _ in range(steps):
        rates.append(schedule.get_lr())
        schedule.step()
    return rates


def test_by_iteration_it_is_upstreams():
    rates = _rates(WarmupCosineDecay(**RECIPE, num_iters=5), 40)
    assert rates[::5] == pytest.approx(UPSTREAM, rel=1e-12)
    assert rates[1] == pytest.approx(0.017535533905932738, rel=1e-12)
    assert rates[39] == pytest.approx(0.00015413331334359628, rel=1e-9)


def test_by_epoch_it_is_the_same_curve():
    assert _rates(WarmupCosineDecay(**RECIPE), 8) == pytest.approx(UPSTREAM, rel=1e-12)


@pytest.mark.parametrize("stop", [1, 7, 23])
def test_resumed_it_goes_on_to_the_bit(stop):
    whole = _rates(WarmupCosineDecay(**RECIPE, num_iters=5), 40)
    first = WarmupCosineDecay(**RECIPE, num_iters=5)
    _rates(first, stop)
    second = WarmupCosineDecay(**RECIPE, num_iters=5)
    second.set_state_dict(first.state_dict())
    assert _rates(second, 40 - stop) == whole[stop:]


def test_long_runs_do_not_drift():
    schedule = WarmupCosineDecay(0.01, 10, 0.1, 100, num_iters=626)
    _rates(schedule, 626 * 50)
    assert schedule.get_lr() == 0.1 * 0.5 * (1 + math.cos(math.pi * 0.5))


def test_beyond_its_end_it_stays_at_zero():
    assert _rates(WarmupCosineDecay(**RECIPE), 12)[8:] == pytest.approx([0] * 4, abs=1e-12)


def test_without_warm_up():
    assert WarmupCosineDecay(0.01, 0, 0.1, 8).get_lr() == 0.1


@pytest.mark.parametrize(
    "options, message",
    [({"num_iters": 0}, "an epoch needs at least 1 step, has 0"), ({"warmup_epochs": 9}, "from 0 to max_epoch")],
    ids=["num_iters", "warmup_epochs"],
)
def test_what_cannot_work_is_said(options, message):
    with pytest.raises(ConfigError, match=message):
        WarmupCosineDecay(**{**RECIPE, **options})
