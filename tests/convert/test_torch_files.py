"""PyTorch's files: what torch.save has written is read, code in it is not run, and torch.load takes what is written.

tensors.pt, tensors_before_1_6.pth (a training's checkpoint, in the form of old) and tensors_mmengine.pth (with
mmengine's message hub, and an argparse.Namespace) were written by PyTorch 2.13 and mmengine 0.10.7.
"""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrgcn_plugin import checkpoint
from ctrgcn_plugin.convert import torch_files
from ctrgcn_plugin.errors import CheckpointError

FOLDER = Path(__file__).parent
FILES = sorted(path.name for path in FOLDER.glob("tensors*.pt*"))
VALUES = np.arange(24, dtype="float32")
# what the three files hold: views of one storage, and every type
TENSORS = {
    "transposed": VALUES.reshape(4, 6).T,
    "part": VALUES[3:9],
    "permuted": VALUES.reshape(2, 3, 4).transpose(2, 0, 1),
    "half": np.array([0.5, -2], "float16"),
    "bfloat16": np.array([1, -2.5, 3.140625], "float32"),
    "double": np.array([[0.1]], "float64"),
    "count": np.array(7, "int64"),
    "truth": np.array([True, False]),
    "bytes": np.array([0, 255], "uint8"),
    "parameter": np.array([1, 2], "float32"),
    "empty": np.zeros((0, 3), "float32"),
}


def written(state):
    content = io.BytesIO()
    torch_files.write(state, content)
    return content.getvalue()


def with_pickle(path, content):
    """tensors.pt with another data.pkl."""
    with zipfile.ZipFile(FOLDER / "tensors.pt") as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.infolist():
            new.writestr(entry, content if entry.filename.endswith("data.pkl") else old.read(entry))


def refused(path):
    with pytest.raises(CheckpointError) as caught:
        checkpoint.read(path)
    assert "\n" not in str(caught.value) and path.name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", FILES)
def test_reads_what_torch_saves(name):
    read = torch_files.read(FOLDER / name)
    assert list(read) == list(TENSORS)
    for key, value in TENSORS.items():
        assert (read[key].dtype, read[key].shape) == (value.dtype, value.shape), key
        np.testing.assert_array_equal(read[key], value)


def test_all_three_forms_are_there():
    assert len(FILES) == 3


def test_reads_a_big_endian_file(tmp_path):
    state = {"a": np.arange(3, dtype=">f4")}
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        for name, content in (
            ("data.pkl", torch_files._pickled({"a": state["a"].astype("<f4")})),
            ("byteorder", b"big"),
        ):
            archive.writestr(f"a/{name}", content)
        archive.writestr("a/data/0", state["a"].tobytes())
    np.testing.assert_array_equal(torch_files.read(tmp_path / "a.pt")["a"], [0, 1, 2])


def test_reads_what_it_writes(tmp_path):
    (tmp_path / "a.pt").write_bytes(written(TENSORS))
    read = torch_files.read(tmp_path / "a.pt")
    assert list(read) == list(TENSORS)
    for key, value in TENSORS.items():
        assert (read[key].dtype, read[key].shape) == (value.dtype, value.shape), key
        np.testing.assert_array_equal(read[key], value)


def test_the_same_weights_are_the_same_file():
    assert written(TENSORS) == written(TENSORS)


def test_writes_what_torch_writes(tmp_path):
    """The pickle means what the pickle of PyTorch's own file means: the same calls with the same arguments."""

    class Recorder(pickle.Unpickler):
        def find_class(self, module, name):
            return OrderedDict if name == "OrderedDict" else lambda *arguments: (module, name, *arguments)

        def persistent_load(self, pid):
            return [pid[0], pid[1](), *pid[3:]]

    def calls(path):
        with zipfile.ZipFile(path) as archive:
            (name,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
            return dict(Recorder(io.BytesIO(archive.read(name))).load())

    # each of a storage of its own, in order, as a network's are
    keys = ("half", "double", "count", "truth", "bytes")
    (tmp_path / "a.pt").write_bytes(written({key: TENSORS[key] for key in keys}))
    own, torchs = calls(tmp_path / "a.pt"), calls(FOLDER / "tensors.pt")
    assert list(own) == list(keys)
    for key in keys:
        assert own[key] == torchs[key], key


def test_writes_nothing_that_torchs_safe_loading_refuses():
    with zipfile.ZipFile(io.BytesIO(written(TENSORS))) as archive:
        content = archive.read("archive/data.pkl")
        assert archive.testzip() is None and {name.split("/")[0] for name in archive.namelist()} == {"archive"}
    names = {argument for opcode, argument, _ in pickletools.genops(content) if opcode.name == "GLOBAL"}
    storages = {f"torch {name}" for name in torch_files.STORAGES}
    assert names <= {"torch._utils _rebuild_tensor_v2", "collections OrderedDict"} | storages


def test_a_type_that_torch_lacks_is_not_written():
    with pytest.raises(CheckpointError, match="'a' is of type complex64"):
        written({"a": np.zeros(2, "complex64")})


class _Evil:
    def __reduce__(self):
        return os.mkdir, ("pwned",)


EVIL = {
    "whole": _Evil(),
    "as a weight": {"a": _Evil()},
    "beside the weights": {"meta": _Evil(), "state_dict": {}},
    "in a wrapper": {"state_dict": {"a": [_Evil()]}},
}


@pytest.mark.parametrize("content", EVIL.values(), ids=EVIL)
@pytest.mark.parametrize("form", ["zip", "before 1.6"])
def test_code_is_not_run(content, form, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if form == "zip":
        with_pickle(tmp_path / "evil.pt", pickle.dumps(content, protocol=2))
    else:
        chain = (torch_files.OLD_MAGIC, torch_files.OLD_VERSION, {}, content, [])
        (tmp_path / "evil.pt").write_bytes(b"".join(pickle.dumps(part, protocol=2) for part in chain))
    assert "mkdir" in refused(tmp_path / "evil.pt")
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (b"cmmengine.x\nRun\n", r"a\.pt holds a mmengine\.x\.Run, not a state dict"),
        (b"}X\x01\x00\x00\x00wctorch\nuint16\ns", r"'w' is a torch\.uint16, not a tensor"),
        (
            b"}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n(K\x01K\x00))tRs",
            "a tensor of a int, not of a storage",
        ),
        (b"(X\x01\x00\x00\x00mcos\nsystem\ntQ", r"it wants to run os\.system"),
        (b"(X\x07\x00\x00\x00storagecmmcv\nX\nK\x00K\x00K\x00tQ", r"refers to a storage of mmcv\.X"),
    ],
)
def test_what_is_no_tensor_is_refused_by_name(tmp_path, named, message):
    with_pickle(tmp_path / "a.pt", b"\x80\x02" + named + b".")
    with pytest.raises(CheckpointError, match=message):
        checkpoint.read(tmp_path / "a.pt")


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [(22, (3,), (1,)), (0, (4, 7), (7, 1)), (0, (10**9,), (0,)), (0, (2,), (-1,)), (-1, (2,), (1,)), (0, (2, 2), (1,))],
    ids=["offset", "shape", "expanded", "backward", "before", "axes"],
)
def test_a_tensor_beyond_its_storage_is_refused(tmp_path, offset, size, stride):
    with_pickle(
        tmp_path / "a.pt",
        b"\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n("
        + b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x18tQ"
        + b"".join(torch_files._plain(value) for value in (offset, size, stride))
        + b"\x89)tRs.",
    )
    assert "a tensor" in refused(tmp_path / "a.pt")


def test_what_is_compressed_is_refused(tmp_path):
    with zipfile.ZipFile(FOLDER / "tensors.pt") as old, zipfile.ZipFile(tmp_path / "a.pt", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name), zipfile.ZIP_DEFLATED)
    assert "compressed" in refused(tmp_path / "a.pt")


def test_an_archive_without_a_pickle_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("a/b", b"")
    assert "0 data.pkl" in refused(tmp_path / "a.pt")


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_a_damaged_file_is_refused_or_read(tmp_path_factory, name, data):
    content = bytearray((FOLDER / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / f"damaged_{name}"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    try:
        assert all(isinstance(array, np.ndarray) for array in checkpoint.arrays(path).values())
    except CheckpointError as error:
        assert "\n" not in str(error)


@given(content=st.binary(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_pickle_is_refused_or_read(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.pt"
    with_pickle(path, b"\x80\x02" + content)
    try:
        checkpoint.arrays(path)
    except CheckpointError as error:
        assert "\n" not in str(error)
