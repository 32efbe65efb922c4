"""Several ranks held against one process that has all the samples."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import paddle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paddle import nn
from ranks import run_in_ranks

from ctrgcn_plugin.errors import ConfigError
from ctrgcn_plugin.training.distributed import EvenBatchSampler

RANKS, STEPS = 2, 3


def _batches(samples: int, batch_size: int, ranks: int) -> list[list[list[int]]]:
    return [list(EvenBatchSampler(range(samples), batch_size, num_replicas=ranks, rank=rank)) for rank in range(ranks)]


@settings(max_examples=100, deadline=None)
@given(samples=st.integers(1, 60), batch_size=st.integers(1, 9), ranks=st.integers(1, 7))
def test_every_sample_is_in_one_batch_and_ranks_have_equally_many(samples, batch_size, ranks):
    if samples < ranks:
        with pytest.raises(ConfigError, match=f"{samples} samples cannot be shared out to {ranks} processes"):
            _batches(samples, batch_size, ranks)
        return
    found = _batches(samples, batch_size, ranks)
    assert [index for of_rank in found for batch in of_rank for index in batch] == list(range(samples))
    assert len({len(of_rank) for of_rank in found}) == 1
    sizes = {len(batch) for of_rank in found for batch in of_rank}
    assert min(sizes) > 0 and max(sizes) <= max(batch_size, 2)
    # as many batches as full ones would be, where no rank would be left without a sample
    assert len(found[0]) == min(-(-samples // (ranks * batch_size)), samples // ranks)


class Net(nn.Layer):
    """Normalisations of both kinds, on what needs no gradient and on what does."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.conv, self.second = nn.BatchNorm1D(6), nn.Conv2D(2, 5, 1), nn.BatchNorm2D(5)
        self.last = nn.Linear(5, 4)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        # far from zero, where sums of squares would cancel
        x = self.first(x).reshape([x.shape[0], 2, 3, -1])
        return self.last(nn.functional.relu(self.second(self.conv(x) + 300.0)).mean([2, 3]))


def train(net: nn.Layer, rank: int, ranks: int) -> dict[str, np.ndarray]:
    """A few steps on this rank's share of random batches; the state and losses by name."""
    layers = net if ranks == 1 else paddle.DataParallel(net)
    optimizer = paddle.optimizer.Momentum(0.1, parameters=layers.parameters())
    rng, losses = np.random.default_rng(0), []
    for _ in range(STEPS):
        clips = rng.normal(5, 2, (8, 6, 7)).astype("float32")
        labels = rng.integers(0, 4, 8)
        own = slice(rank * 8 // ranks, (rank + 1) * 8 // ranks)
        loss = nn.functional.cross_entropy(layers(paddle.to_tensor(clips[own])), paddle.to_tensor(labels[own]))
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        losses.append(float(loss))
    return {"loss": np.array(losses), **{name: value.numpy() for name, value in net.state_dict().items()}}


IN_RANKS = """
    import random, sys
    sys.path.insert(0, {here!r})
    import numpy as np
    import paddle
    from paddle import distributed
    from ctrgcn_plugin.training import distributed as ours
    from test_distributed import Net, train
    rank, found = distributed.get_rank(), {{}}

    for name, change in (("synchronised", ours.synchronise), ("apart", ours.share_statistics)):
        # other weights in each rank: those of the first are taken
        paddle.seed(1 + rank)
        net = change(Net())
        for key, value in train(net, rank, {ranks}).items():
            found[f"{{name}}.{{key}}"] = value
        net.eval()
        before = net.first._mean.numpy()
        with paddle.no_grad():
            net(paddle.ones([2, 6, 7]))
        found[f"{{name}}.before"], found[f"{{name}}.after"] = before, net.first._mean.numpy()

    mean, count = ours.mean_over_ranks(paddle.to_tensor([3.0 * rank, 1.0]), 1 + rank)
    found["mean"], found["count"] = mean.numpy(), np.array(count)
    # shares of 2 and 3
    found["gathered"] = ours.gathered(np.arange(10).reshape(5, 2)[2 * rank : 2 + 3 * rank])
    found["flat"] = ours.gathered(np.float32([rank] * (3 - rank)))

    random.seed(7); np.random.seed(7); paddle.seed(7)
    ours.draw_apart()
    found["draws"] = np.array([random.random(), np.random.rand(), paddle.rand([1]).item()])
    np.savez(f"rank{{rank}}.npz", **found)
"""


@pytest.fixture(scope="module")
def ranks(tmp_path_factory) -> list[dict[str, np.ndarray]]:
    """What each rank has found."""
    script: Path = tmp_path_factory.mktemp("ranks") / "script.py"
    script.write_text(textwrap.dedent(IN_RANKS.format(here=str(Path(__file__).parent), ranks=RANKS)))
    run_in_ranks(script, RANKS)
    return [dict(np.load(script.with_name(f"rank{rank}.npz"))) for rank in range(RANKS)]


@pytest.fixture(scope="module")
def alone() -> dict[str, np.ndarray]:
    paddle.seed(1)
    return train(Net(), 0, 1)


def test_synchronised_ranks_train_as_one_process_with_all_the_samples(ranks, alone):
    np.testing.assert_allclose(
        np.mean([rank["synchronised.loss"] for rank in ranks], axis=0), alone.pop("loss"), rtol=1e-5
    )
    for key, value in alone.items():
        for rank in ranks:
            np.testing.assert_allclose(rank[f"synchronised.{key}"], value, rtol=2e-4, atol=1e-5, err_msg=key)


def test_synchronised_ranks_stay_equal_to_the_bit(ranks):
    first, second = ({key: value for key, value in rank.items() if key.startswith("sync")} for rank in ranks)
    assert not np.array_equal(first.pop("synchronised.loss"), second.pop("synchronised.loss"))
    for key, value in first.items():
        np.testing.assert_array_equal(value, second[key], err_msg=key)


def test_ranks_apart_have_statistics_of_their_own_and_are_evaluated_with_those_of_the_first(ranks):
    first, second = ranks
    np.testing.assert_array_equal(first["apart.last.weight"], second["apart.last.weight"])
    assert np.abs(first["apart.before"] - second["apart.before"]).max() > 1e-3
    for rank in ranks:
        np.testing.assert_array_equal(rank["apart.after"], first["apart.before"])


def test_results_of_ranks_are_put_together(ranks):
    for rank in ranks:
        # 1 sample of 0 and 2 of 3
        np.testing.assert_allclose(rank["mean"], [2.0, 1.0])
        assert rank["count"] == 3
        np.testing.assert_array_equal(rank["gathered"], np.arange(10).reshape(5, 2))
        np.testing.assert_array_equal(rank["flat"], np.float32([0, 0, 0, 1, 1]))


def test_ranks_draw_apart_and_the_first_as_it_would_have(ranks):
    import random

    random.seed(7)
    np.random.seed(7)
    paddle.seed(7)
    expected = [random.random(), np.random.rand(), paddle.rand([1]).item()]
    np.testing.assert_array_equal(ranks[0]["draws"], expected)
    assert not np.isin(ranks[1]["draws"], expected).any()
