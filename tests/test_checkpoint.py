"""Checkpoints: what paddle.save writes is read, code in them is not run, misfits are counted."""

from __future__ import annotations

import os
import pickle

import numpy as np
import paddle
import pytest

from ctrgcn_plugin import checkpoint
from ctrgcn_plugin.errors import CheckpointError


@pytest.fixture
def layer() -> paddle.nn.Layer:
    return paddle.nn.Sequential(paddle.nn.Linear(3, 4), paddle.nn.BatchNorm1D(4))


def test_reads_what_paddle_saves(layer, tmp_path):
    paddle.save(layer.state_dict(), str(tmp_path / "a.pdparams"))
    state = checkpoint.read(tmp_path / "a.pdparams")
    assert state.keys() == layer.state_dict().keys()
    for key, value in layer.state_dict().items():
        np.testing.assert_array_equal(state[key], value.numpy())


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_reads_every_protocol(layer, tmp_path, protocol):
    paddle.save(layer.state_dict(), str(tmp_path / "a.pdparams"), protocol=protocol)
    assert len(checkpoint.read(tmp_path / "a.pdparams")) == 6


class _Evil:
    def __reduce__(self):
        return os.mkdir, ("pwned",)


@pytest.mark.parametrize("content", [_Evil(), {"weight": _Evil()}], ids=["whole", "inside"])
def test_code_is_not_run(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.pdparams").write_bytes(pickle.dumps(content))
    with pytest.raises(CheckpointError, match=r"evil\.pdparams cannot be read.*mkdir"):
        checkpoint.read(tmp_path / "evil.pdparams")
    assert not (tmp_path / "pwned").exists()


def test_a_missing_file_says_what_is_there(tmp_path):
    (tmp_path / "other.pdparams").touch()
    with pytest.raises(CheckpointError, match=r"no checkpoint at .*model\.pdparams; in .* there is other\.pdparams"):
        checkpoint.read(tmp_path / "model.pdparams")


@pytest.mark.parametrize(
    "content",
    [b"", b"not a pickle", pickle.dumps([1, 2]), pickle.dumps({"a": "text"})],
    ids=["empty", "text", "list", "value"],
)
def test_what_is_no_state_dict_is_refused_in_one_line(content, tmp_path):
    (tmp_path / "a.pdparams").write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        checkpoint.read(tmp_path / "a.pdparams")
    assert "\n" not in str(caught.value) and "a.pdparams" in str(caught.value)


def test_a_truncated_file_is_refused(layer, tmp_path):
    paddle.save(layer.state_dict(), str(tmp_path / "a.pdparams"))
    whole = (tmp_path / "a.pdparams").read_bytes()
    (tmp_path / "a.pdparams").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="cannot be read"):
        checkpoint.read(tmp_path / "a.pdparams")


def test_counts_matched_missing_misfit_and_extra(layer):
    state = {key: value.numpy() for key, value in layer.state_dict().items()}
    del state["0.bias"]
    state["0.weight"] = np.zeros((3, 5), "float32")
    state["fc.weight"] = np.zeros(2, "float32")
    fit = checkpoint.compare(layer.state_dict(), state)
    assert str(fit) == ("4 keys match, 1 missing (0.bias), 1 misfit (0.weight [3, 5] for [3, 4]), 1 extra (fc.weight)")
    with pytest.raises(CheckpointError, match="x.pdparams does not fit Sequential: 4 keys match"):
        checkpoint.load_into(layer, state, "x.pdparams")


def test_a_partial_start_loads_what_fits_and_refuses_what_does_not_at_all(layer):
    other = {"1.weight": np.full(4, 7, "float32"), "unknown": np.zeros(1)}
    fit = checkpoint.load_into(layer, other, "x", strict=False)
    assert (fit.matched, fit.extra) == (["1.weight"], ["unknown"])
    np.testing.assert_array_equal(layer[1].weight.numpy(), 7)
    with pytest.raises(CheckpointError, match="0 keys match"):
        checkpoint.load_into(layer, {"unknown": np.zeros(1)}, "x", strict=False)


def test_of_network_takes_its_own_part_or_a_plain_checkpoint():
    state = {"Teacher.0.a": 1, "Student.0.a": 2, "Student.1.fc": 3}
    assert checkpoint.of_network(state, "Student") == {"backbone.a": 2, "head.fc": 3}
    assert checkpoint.of_network({"backbone.a": 5}, "Student") == {"backbone.a": 5}
