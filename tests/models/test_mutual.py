"""Mutual learning: its losses by their definitions, who learns, who answers, what is saved and loaded."""

from __future__ import annotations

import numpy as np
import paddle
import pytest
from scipy.special import log_softmax, softmax

from ctrgcn_plugin.errors import CheckpointError, ConfigError
from ctrgcn_plugin.models.backbones import CTRGCN_light, CTRGCN_lightV2
from ctrgcn_plugin.models.heads import CTRGCNMixupHead
from ctrgcn_plugin.models.mutual import MutualCELoss, MutualKLLoss, MutualLearning, Term
from ctrgcn_plugin.models.network import Network

K = 4


def _network(backbone: type = CTRGCN_lightV2) -> Network:
    return Network(backbone(base_channel=8), CTRGCNMixupHead(in_channels=8, num_classes=K))


def _terms(*names: str) -> list[Term]:
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    terms = [Term("Train", (name, "GroundTruth"), MutualCELoss(ls_eps=0.1)) for name in names]
    terms += [Term("Train", pair, MutualKLLoss(temperature=2.0)) for pair in pairs]
    return [*terms, Term("Val", ("Student", "GroundTruth"), MutualCELoss())]


@pytest.fixture(autouse=True)
def _seed():
    paddle.seed(3)


@pytest.fixture
def batch() -> list[paddle.Tensor]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 3, 8, 25, 2)).astype("float32")
    return [paddle.to_tensor(x), paddle.to_tensor([[0], [1], [2], [3]])]


@pytest.fixture
def mixed(batch) -> list[paddle.Tensor]:
    return [*batch, paddle.to_tensor([[1], [2], [3], [0]]), paddle.full([4], 0.3)]


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_kl_is_half_the_sum_of_both_directions(temperature):
    x, y = np.random.default_rng(0).standard_normal((2, 5, K))
    p, q = softmax(x / temperature, 1), softmax(y / temperature, 1)
    want = 0.5 * ((p * np.log(p / q)).sum(1) + (q * np.log(q / p)).sum(1)).mean() * temperature**2
    loss = MutualKLLoss(loss_weight=0.5, temperature=temperature)
    assert loss(paddle.to_tensor(x), paddle.to_tensor(y)).item() == pytest.approx(0.5 * want, rel=1e-6)


def test_kl_survives_answers_without_doubt():
    far = paddle.to_tensor([[200.0, -200.0]])
    assert np.isfinite(MutualKLLoss()(far, -far).item())


def test_ce_learns_mixed_labels(mixed):
    scores = np.random.default_rng(0).standard_normal((4, K)).astype("float32")
    a, b, share = (part.numpy().flatten() for part in mixed[1:])
    rows = np.arange(4)
    logs = log_softmax(scores, 1)
    want = -(share * logs[rows, a] + (1 - share) * logs[rows, b]).mean()
    assert MutualCELoss()(paddle.to_tensor(scores), mixed[1:]).item() == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize("names", [("Student", "Teacher"), ("Student", "B", "C")])
def test_all_learn_from_mixed_labels(names, mixed):
    model = MutualLearning({name: _network() for name in names}, _terms(*names))
    model.train()
    metrics = model(mixed, mode="train")
    assert metrics.keys() == {"loss", "top1", "top5"} and all(value.shape == [] for value in metrics.values())
    metrics["loss"].backward()
    for name in names:
        assert getattr(model, name).head.fc.weight.grad.abs().sum().item() > 0, name


def test_a_frozen_network_only_answers(batch):
    model = MutualLearning(
        {"Teacher": _network(CTRGCN_light), "Student": _network()}, _terms("Student", "Teacher"), frozen=["Teacher"]
    )
    before = {key: value.numpy().copy() for key, value in model.Teacher.state_dict().items()}
    model.train()
    optimizer = paddle.optimizer.Momentum(0.1, parameters=model.parameters(), weight_decay=0.1)
    for _ in range(2):
        model(batch, mode="train")["loss"].backward()
        optimizer.step()
        optimizer.clear_grad()
    # neither weights nor BN statistics
    for key, value in model.Teacher.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[key], err_msg=key)


def test_the_student_is_tested_and_exported(batch):
    model = MutualLearning({"Teacher": _network(), "Student": _network(CTRGCN_light)}, _terms("Student", "Teacher"))
    model.eval()
    want = model.Student(batch[0]).numpy()
    for mode in ("test", "infer"):
        np.testing.assert_array_equal(model(batch, mode=mode).numpy(), want)
    valid = model(batch, mode="valid")
    assert valid["loss"].item() == pytest.approx(MutualCELoss()(model.Student(batch[0]), batch[1:]).item(), rel=1e-6)


def test_another_name_may_be_the_student(batch):
    terms = [Term(mode, ("Small", "GroundTruth"), MutualCELoss()) for mode in ("Train", "Val")]
    model = MutualLearning({"Big": _network(), "Small": _network()}, terms, student="Small")
    model.eval()
    np.testing.assert_array_equal(model(batch).numpy(), model.Small(batch[0]).numpy())


def test_checkpoints_of_all_and_of_the_student_alone(batch):
    first, second = (
        MutualLearning({"Teacher": _network(CTRGCN_light), "Student": _network()}, _terms("Student", "Teacher"))
        for _ in range(2)
    )
    first.eval(), second.eval()
    want = first(batch).numpy()
    assert not np.allclose(second(batch).numpy(), want)
    second.set_state_dict(first.state_dict())
    np.testing.assert_array_equal(second(batch).numpy(), want)

    state = {key.replace("Student.", ""): v for key, v in first.state_dict().items() if key.startswith("Student.")}
    plain = _network()
    plain.set_state_dict(state)
    plain.eval()
    np.testing.assert_array_equal(plain(batch[0]).numpy(), want)

    # upstream's nn.Sequential(backbone, head)
    numbered = {key.replace(".backbone.", ".0.").replace(".head.", ".1."): v for key, v in first.state_dict().items()}
    third = MutualLearning({"Teacher": _network(CTRGCN_light), "Student": _network()}, _terms("Student", "Teacher"))
    third.set_dict(numbered)
    third.eval()
    np.testing.assert_array_equal(third(batch).numpy(), want)


def test_a_checkpoint_of_another_model_is_refused():
    model = MutualLearning({"Teacher": _network(), "Student": _network()}, _terms("Student", "Teacher"))
    with pytest.raises(CheckpointError, match=r"does not fit CTRGCN_lightV2: \d+ keys match, \d+ missing"):
        model.set_state_dict(_network(CTRGCN_light).state_dict())


@pytest.mark.parametrize(
    "options, message",
    [
        ({"student": "Pupil"}, "unknown network as MODEL.student 'Pupil'; available: Student, Teacher"),
        ({"frozen": ["Student"]}, "freezes the student"),
        ({"terms": _terms("Student", "Teachr")}, "unknown name in model_name_pairs 'Teachr'.*Did you mean 'Teacher'"),
        ({"terms": _terms("Student")[:1]}, "MODEL.loss has no term for Val"),
    ],
    ids=["student", "frozen", "pair", "mode"],
)
def test_what_cannot_work_is_said(options, message):
    arguments = {"terms": _terms("Student", "Teacher"), **options}
    with pytest.raises(ConfigError, match=message):
        MutualLearning({"Teacher": _network(), "Student": _network()}, **arguments)
