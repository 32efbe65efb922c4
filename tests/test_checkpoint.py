"""Checkpoints: what paddle.save and other libraries write is read, code in them is not run, misfits are counted."""

from __future__ import annotations

import json
import os
import pickle
import struct
import sys

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
    for name in ("other.pdparams", "a.onnx", "b.safetensors", "c.txt"):
        (tmp_path / name).touch()
    with pytest.raises(CheckpointError) as caught:
        checkpoint.read(tmp_path / "model.pdparams")
    assert str(caught.value) == (
        f"no checkpoint at {tmp_path / 'model.pdparams'}; "
        f"in {tmp_path} there is a.onnx, b.safetensors, other.pdparams; "
        "give the path of a .pdparams, .safetensors, .onnx, .pt or .pth file"
    )


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


WEIGHTS = {
    "backbone.weight": np.arange(6, dtype="float32").reshape(2, 3),
    "head.bias": np.array([0.1, -2], "float64"),
    "steps": np.array(7, "int64"),
    "half": np.array([[0.5], [-65504]], "float16"),
}


def write_safetensors(path, arrays):
    pytest.importorskip("safetensors.numpy").save_file(arrays, path)


def write_onnx(path, arrays, **options):
    onnx = pytest.importorskip("onnx")
    tensors = [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = onnx.helper.make_graph([], "graph", [], [], initializer=tensors)
    onnx.save_model(onnx.helper.make_model(graph), path, **options)


@pytest.fixture(params=["safetensors", "onnx"])
def written(request, tmp_path):
    """WEIGHTS in a file that the format's own library has written."""
    path = tmp_path / f"model.{request.param}"
    {"safetensors": write_safetensors, "onnx": write_onnx}[request.param](path, WEIGHTS)
    return path


def test_reads_what_other_libraries_write(written):
    state = checkpoint.read(written)
    assert state.keys() == WEIGHTS.keys()
    for name, array in WEIGHTS.items():
        assert state[name].dtype == ("int64" if name == "steps" else "float32")
        assert state[name].shape == array.shape
        np.testing.assert_array_equal(state[name], array.astype(state[name].dtype))


def test_a_suffix_in_capitals_is_the_same(written):
    assert checkpoint.read(written.rename(written.with_suffix(written.suffix.upper()))).keys() == WEIGHTS.keys()


@pytest.mark.parametrize("suffix", [".pdparams", ".safetensors", ".onnx"])
def test_weights_of_any_format_are_loaded_into_a_network(layer, tmp_path, suffix):
    other = {name: value.numpy() + 1 for name, value in layer.state_dict().items()}
    path = tmp_path / f"model{suffix}"
    write = {".pdparams": lambda path, arrays: paddle.save(arrays, str(path)), ".onnx": write_onnx}
    write.get(suffix, write_safetensors)(path, other)
    assert checkpoint.load_into(layer, checkpoint.read(path), path).complete
    for name, value in layer.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), other[name])


BFLOAT16 = np.array([1.0, -2.5, 3.140625], "float32")  # each a bfloat16, too


def test_reads_bfloat16_of_safetensors(tmp_path):
    pytest.importorskip("safetensors")
    # by hand, as NumPy has no such type
    header = json.dumps({"w": {"dtype": "BF16", "shape": [3, 1], "data_offsets": [0, 6]}}).encode()
    values = BFLOAT16.view("<u2")[1::2].tobytes()
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + values)
    state = checkpoint.read(tmp_path / "a.safetensors")
    assert state["w"].dtype == np.float32
    np.testing.assert_array_equal(state["w"], BFLOAT16[:, None])


def test_reads_bfloat16_of_onnx(tmp_path):
    onnx = pytest.importorskip("onnx")
    tensor = onnx.helper.make_tensor("w", onnx.TensorProto.BFLOAT16, [3, 1], BFLOAT16)
    graph = onnx.helper.make_graph([], "graph", [], [], initializer=[tensor])
    onnx.save_model(onnx.helper.make_model(graph), tmp_path / "a.onnx")
    state = checkpoint.read(tmp_path / "a.onnx")
    assert state["w"].dtype == np.float32
    np.testing.assert_array_equal(state["w"], BFLOAT16[:, None])


def test_a_type_that_numpy_lacks_is_refused(tmp_path):
    pytest.importorskip("safetensors")
    header = json.dumps({"w": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]}}).encode()
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"ab")
    with pytest.raises(CheckpointError, match=r"a\.safetensors cannot be read as a \.safetensors file: .*F8_E4M3"):
        checkpoint.read(tmp_path / "a.safetensors")


def refused(path):
    with pytest.raises(CheckpointError) as caught:
        checkpoint.read(path)
    message = str(caught.value)
    assert "\n" not in message and path.name in message
    return message


@pytest.mark.parametrize("part", [0, 0.3, 0.7, 0.99])
def test_a_cut_off_file_of_any_format_is_refused(written, part):
    whole = written.read_bytes()
    written.write_bytes(whole[: int(len(whole) * part)])
    refused(written)


@pytest.mark.parametrize("content", [b"hello", pickle.dumps(WEIGHTS), b"\xff" * 100], ids=["text", "pickle", "bytes"])
def test_a_file_of_another_format_is_refused(written, content):
    written.write_bytes(content)
    refused(written)


def test_weights_beside_an_onnx_file_are_not_read(tmp_path):
    arrays = {"w": np.zeros(1000, "float32")}
    write_onnx(tmp_path / "a.onnx", arrays, save_as_external_data=True, location="w.bin", size_threshold=0)
    assert (tmp_path / "w.bin").exists()
    assert "'w' in another file" in refused(tmp_path / "a.onnx")


def test_an_unknown_format_is_refused(tmp_path):
    (tmp_path / "model.h5").write_bytes(pickle.dumps(WEIGHTS))
    assert "give a .pdparams, .safetensors, .onnx, .pt or .pth file" in refused(tmp_path / "model.h5")


@pytest.mark.parametrize(
    ("library", "advice"), [("safetensors", "pip install safetensors"), ("onnx", 'pip install "ctrgcn-plugin[onnx]"')]
)
def test_a_missing_library_says_how_to_get_it(tmp_path, monkeypatch, library, advice):
    monkeypatch.setitem(sys.modules, library, None)
    (tmp_path / f"model.{library}").touch()
    message = refused(tmp_path / f"model.{library}")
    assert f"cannot be read without {library}" in message and message.endswith(advice)


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
