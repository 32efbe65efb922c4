"""Labels, the head and the losses against their definitions written out."""

from __future__ import annotations

import numpy as np
import paddle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrgcn_plugin.models.heads import CTRGCNMixupHead
from ctrgcn_plugin.models.labels import soft_cross_entropy, soft_targets, top_k_accuracy

N, K = 6, 7


@pytest.fixture
def scores() -> paddle.Tensor:
    return paddle.to_tensor(np.random.default_rng(0).standard_normal((N, K)).astype("float32"))


@pytest.fixture
def mixed() -> tuple[paddle.Tensor, ...]:
    rng = np.random.default_rng(1)
    first, second = (paddle.to_tensor(rng.integers(K, size=(N, 1))) for _ in range(2))
    return first, second, paddle.to_tensor(rng.random(N).astype("float32"))


def _log_softmax(scores: paddle.Tensor) -> np.ndarray:
    x = scores.numpy().astype("float64")
    return x - np.log(np.exp(x).sum(1, keepdims=True))


@pytest.mark.parametrize("ls_eps", [0.0, 0.1])
def test_mixup_and_smoothing_at_once(scores, mixed, ls_eps):
    first, second, share = (part.numpy().flatten() for part in mixed)
    want = 0.0
    for n in range(N):
        target = np.full(K, ls_eps / K)
        target[first[n]] += (1 - ls_eps) * share[n]
        target[second[n]] += (1 - ls_eps) * (1 - share[n])
        want -= (target * _log_softmax(scores)[n]).sum() / N
    head = CTRGCNMixupHead(in_channels=4, num_classes=K, ls_eps=ls_eps)
    assert head.loss(scores, mixed)["loss"].item() == pytest.approx(want, rel=1e-5)


def test_validation_does_not_smooth(scores, mixed):
    head = CTRGCNMixupHead(in_channels=4, num_classes=K, ls_eps=0.3)
    plain = paddle.nn.functional.cross_entropy(scores, mixed[0])
    assert head.loss(scores, mixed[:1], valid_mode=True)["loss"].item() == pytest.approx(plain.item(), rel=1e-6)
    assert head.loss(scores, mixed[:1])["loss"].item() != pytest.approx(plain.item(), rel=1e-3)


@given(st.floats(0, 1), st.floats(0, 0.9), st.integers(2, 9))
@settings(max_examples=30, deadline=None)
def test_targets_are_probabilities(share, ls_eps, num_classes):
    labels = [paddle.to_tensor([0, 1]), paddle.to_tensor([1, 1]), paddle.to_tensor([share, share], "float32")]
    target = soft_targets(labels, num_classes, ls_eps).numpy()
    np.testing.assert_allclose(target.sum(1), 1, atol=1e-5)
    assert (target >= 0).all()


def test_label_shapes_do_not_matter(scores, mixed):
    flat = (mixed[0].flatten(),)
    assert soft_cross_entropy(scores, flat).item() == soft_cross_entropy(scores, mixed[:1]).item()


def test_top_k_counts_a_mixed_sample_by_its_shares():
    scores = paddle.to_tensor([[9.0, 5.0, 1.0], [1.0, 5.0, 9.0]])
    mixed = (paddle.to_tensor([0, 0]), paddle.to_tensor([1, 2]), paddle.to_tensor([0.7, 0.6]))
    assert top_k_accuracy(scores, mixed, 1).item() == pytest.approx((0.7 + 0.4) / 2)
    assert top_k_accuracy(scores, mixed, 2).item() == pytest.approx((1.0 + 0.4) / 2)
    # with fewer classes than k all are among the best
    assert top_k_accuracy(scores, mixed, 5).item() == pytest.approx(1.0)


def test_head_averages_over_persons_joints_and_frames():
    head = CTRGCNMixupHead(in_channels=2, num_classes=3)
    features = np.random.default_rng(0).standard_normal((4, 8, 5, 25)).astype("float32")
    want = features.reshape(2, 2, 8, -1).mean((1, 3)) @ head.fc.weight.numpy() + head.fc.bias.numpy()
    np.testing.assert_allclose(head((paddle.to_tensor(features), 2, 2)).numpy(), want, atol=1e-5)


def test_head_starts_as_the_original():
    weight = CTRGCNMixupHead(in_channels=64, num_classes=60).fc.weight.numpy()
    assert weight.std() == pytest.approx((2 / 60) ** 0.5, rel=0.03)
