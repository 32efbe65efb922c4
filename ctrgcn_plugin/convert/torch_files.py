"""PyTorch's ``.pt`` and ``.pth``, without PyTorch: read without running what is pickled in them, and written.

``torch.save`` has two forms. Since 1.6 it is a ZIP archive with a pickle, ``data.pkl``, and a file for each storage;
before, it was a chain of pickles with the storages behind them. In both a tensor is a storage, an offset, a shape and
strides.
"""

from __future__ import annotations

import math
import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Literal, Optional, Union

import numpy as np

from ctrgcn_plugin import unpickling, weights
from ctrgcn_plugin.errors import CheckpointError

BFLOAT16 = "BFloat16Storage"
# storage type -> NumPy's little-endian type; of bfloat16, which NumPy has not, the bits
STORAGES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    BFLOAT16: "<u2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "|i1",
    "ByteStorage": "|u1",
    "BoolStorage": "|b1",
}
# whose objects lie beside the weights in a training's checkpoints: settings, logs, schedules
ORNAMENTS = ("torch", "mmengine", "mmcv", "mmaction", "pyskl", "argparse", "pathlib", "datetime", "copyreg", "copy_reg")
# of bound methods, in what mmengine notes of a training
ORNAMENTAL_BUILTINS = (("builtins", "getattr"), ("__builtin__", "getattr"))
# where a checkpoint of more than a model keeps its state dict
WRAPPERS = ("state_dict", "model_state_dict", "model", "net")

ZIP = b"PK\x03\x04"
OLD_MAGIC, OLD_VERSION = 0x1950A86A20F9469CFC6C, 1001
PICKLED, STORED, ORDER = "data.pkl", "data/", "byteorder"
FOLDER = "archive"


@dataclass(frozen=True)
class _Kind:
    storage: str


@dataclass(frozen=True)
class _Storage:
    kind: str
    key: str

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(STORAGES[self.kind])


Read = Callable[[_Storage], np.ndarray]


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    def array(self, read: Read) -> np.ndarray:
        flat = read(self.storage)
        numbers = (self.offset, *self.size, *self.stride)
        if len(self.size) != len(self.stride) or not all(type(number) is int and number >= 0 for number in numbers):
            raise ValueError(f"a tensor has shape {self.size} and strides {self.stride}")
        count = math.prod(self.size)
        last = self.offset + sum((size - 1) * stride for size, stride in zip(self.size, self.stride))
        # expanded tensors, larger than what is stored of them, are no weights; they could be of any size
        if count and (last >= len(flat) or count > len(flat)):
            raise ValueError(f"a tensor of shape {self.size} reaches beyond the {len(flat)} values of its storage")
        strides = [stride * flat.itemsize for stride in self.stride]
        start = self.offset if count else 0
        array = np.array(np.lib.stride_tricks.as_strided(flat[start:], self.size, strides))
        return weights.from_bfloat16(array) if self.storage.kind == BFLOAT16 else array


def _tensor(storage: Any, offset: int, size: Any, stride: Any, *_: Any) -> _Tensor:
    if not isinstance(storage, _Storage):
        raise unpickling.Refused(f"it holds a tensor of a {type(storage).__name__}, not of a storage")
    return _Tensor(storage, offset, tuple(size), tuple(stride))


def _parameter(tensor: Any, *_: Any) -> Any:
    return tensor


class _Unpickler(unpickling.ArraysOnly):
    """Tensors are noted, for their values come later; other objects of a training's are not made."""

    REBUILDERS: Mapping[str, Any] = {
        "_rebuild_tensor": _tensor,
        "_rebuild_tensor_v2": _tensor,
        "_rebuild_parameter": _parameter,
        "_rebuild_parameter_with_state": _parameter,
    }

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch._utils" and name in self.REBUILDERS:
            return self.REBUILDERS[name]
        if module == "torch" and name in STORAGES:
            return _Kind(name)
        if module.partition(".")[0] in ORNAMENTS or (module, name) in ORNAMENTAL_BUILTINS:
            return unpickling.inert(module, name)
        return super().find_class(module, name)

    def persistent_load(self, pid: Any) -> Any:
        what, kind, key, _, _, *view = pid
        if what != "storage" or not isinstance(kind, _Kind):
            raise unpickling.Refused(f"it refers to a {what} of {getattr(kind, 'wanted', kind)}, not to a storage")
        if view and view[0] is not None:
            raise unpickling.Refused("its storages are views of others, as PyTorch before 0.4 wrote them")
        return self.storages.setdefault(str(key), _Storage(kind.storage, str(key)))


def read(path: Path) -> dict[str, np.ndarray]:
    """``.pt``, ``.pth``: the arrays of a state dict, or of the one in a training's checkpoint; bfloat16 as float32."""
    with path.open("rb") as file:
        is_zip = file.read(len(ZIP)) == ZIP
        file.seek(0)
        content, values = (_read_zip if is_zip else _read_old)(file)
        return {key: tensor.array(values) for key, tensor in _tensors(content, path)}


def _read_zip(file: IO[bytes]) -> tuple[Any, Read]:
    archive = zipfile.ZipFile(file)

    def record(name: str) -> bytes:
        # torch.save stores; what is packed could be of any size
        if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{name} is compressed, which is not what torch.save writes")
        return archive.read(name)

    names = archive.namelist()
    folders = [name[: -len(PICKLED)] for name in names if name.endswith(f"/{PICKLED}")]
    if len(folders) != 1:
        raise ValueError(f"it is a ZIP archive with {len(folders)} {PICKLED}, not one")
    (folder,) = folders
    order: Literal["<", ">"] = ">" if folder + ORDER in names and record(folder + ORDER) == b"big" else "<"

    # tensors that follow each other may share a storage
    @lru_cache(maxsize=1)
    def values(storage: _Storage) -> np.ndarray:
        stored = np.frombuffer(record(folder + STORED + storage.key), storage.dtype.newbyteorder(order))
        return stored.astype(storage.dtype)

    return _Unpickler(BytesIO(record(folder + PICKLED))).load(), values


def _read_old(file: IO[bytes]) -> tuple[Any, Read]:
    magic, version, _ = (_Unpickler(file).load() for _ in range(3))
    if (magic, version) != (OLD_MAGIC, OLD_VERSION):
        raise ValueError("it is no file of torch.save")
    unpickler = _Unpickler(file)
    content = unpickler.load()
    stored = {}
    for key in _Unpickler(file).load():
        storage = unpickler.storages[key]
        (count,) = struct.unpack("<q", file.read(8))
        stored[storage] = np.frombuffer(file.read(max(count, 0) * storage.dtype.itemsize), storage.dtype)
    return content, stored.__getitem__


def _tensors(content: Any, path: Union[Path, str]) -> Iterator[tuple[str, _Tensor]]:
    """(key, tensor) of the state dict in what a file holds."""
    found: Optional[Any] = content
    while isinstance(found, Mapping):
        content, inner = found, (found[key] for key in WRAPPERS if isinstance(found.get(key), Mapping))
        found = next(inner, None)
    if not isinstance(content, Mapping):
        raise CheckpointError(
            f"{path} holds a {getattr(content, 'wanted', type(content).__name__)}, not a state dict; "
            "in PyTorch, torch.save(model.state_dict(), FILE) writes one"
        )
    for key, value in content.items():
        if not isinstance(value, _Tensor):
            named = getattr(value, "wanted", type(value).__name__)
            raise CheckpointError(f"{path}: {key!r} is a {named}, not a tensor; is it a state dict?")
        yield str(key), value


def write(state: Mapping[str, np.ndarray], file: IO[bytes]) -> None:
    """A state dict of arrays as ``torch.save`` writes it; ``torch.load`` takes it with ``weights_only=True``."""
    arrays = {key: np.array(value, order="C") for key, value in state.items()}
    # the dates of a ZIP's files are left at their origin: the same weights are the same file
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in (
            (PICKLED, _pickled(arrays)),
            (ORDER, b"little"),
            *((f"{STORED}{number}", array.tobytes()) for number, array in enumerate(arrays.values())),
            ("version", b"3\n"),
        ):
            archive.writestr(zipfile.ZipInfo(f"{FOLDER}/{name}"), content)


def _pickled(arrays: Mapping[str, np.ndarray]) -> bytes:
    """A dict of tensors; by opcode, because a pickler would want to import what it names."""
    parts = [pickle.PROTO, b"\x02", pickle.EMPTY_DICT, pickle.MARK]
    for number, (key, array) in enumerate(arrays.items()):
        strides = tuple(stride // array.itemsize for stride in array.strides)
        storage = [_plain("storage"), _global("torch", _storage_of(key, array)), _plain(str(number)), _plain("cpu")]
        parts += [
            *(_plain(key), _global("torch._utils", "_rebuild_tensor_v2"), pickle.MARK),
            *(pickle.MARK, *storage, _plain(array.size), pickle.TUPLE, pickle.BINPERSID),
            *(_plain(0), _plain(array.shape), _plain(strides), _plain(False)),
            *(_global("collections", "OrderedDict"), pickle.EMPTY_TUPLE, pickle.REDUCE),
            *(pickle.TUPLE, pickle.REDUCE),
        ]
    return b"".join([*parts, pickle.SETITEMS, pickle.STOP])


def _plain(value: object) -> bytes:
    """The opcodes of a number, a text or a tuple of them, without a pickle's first and last."""
    return pickle.dumps(value, protocol=2)[2:-1]


def _global(module: str, name: str) -> bytes:
    return pickle.GLOBAL + f"{module}\n{name}\n".encode()


def _storage_of(key: str, array: np.ndarray) -> str:
    for storage, code in STORAGES.items():
        if storage != BFLOAT16 and np.dtype(code) == array.dtype:
            return storage
    raise CheckpointError(f"{key!r} is of type {array.dtype}, which a .pt file is not written with")
