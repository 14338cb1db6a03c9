"""Reading the weights in a PyTorch file of the format before 1.6, without PyTorch and without running what is in it.

Such a file is five pickles (a magic number, the protocol, facts of the system, the tensors by name, the keys of the
storages) and then, in the order of the keys, each storage: its number of elements as int64, and the elements. A tensor
is a view into a storage: an offset, a shape and strides, all counted in elements.

Source: `_legacy_save` in PyTorch's `torch/serialization.py`.
"""

import io
import math
import pickle
import pickletools
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from fedge.errors import FedgeError

Weights = dict[str, NDArray[Any]]

MAX_BYTES = 512 * 1024**2

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
_COUNT = np.dtype("<i8")
_MAX_DIMENSIONS = 8

# The opcodes that `torch.save` writes for tensors by name; others could claim memory that the file does not have.
_OPCODES = frozenset(
    [
        "PROTO",
        "STOP",
        "MARK",
        "GLOBAL",
        "REDUCE",
        "BUILD",
        "BINPERSID",
        "EMPTY_DICT",
        "EMPTY_LIST",
        "EMPTY_TUPLE",
        "TUPLE",
        "TUPLE1",
        "TUPLE2",
        "TUPLE3",
        "APPEND",
        "APPENDS",
        "SETITEM",
        "SETITEMS",
        "BINPUT",
        "LONG_BINPUT",
        "BINGET",
        "LONG_BINGET",
        "BINUNICODE",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG1",
        "NONE",
        "NEWTRUE",
        "NEWFALSE",
    ]
)


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: "np.dtype[Any]"
    elements: int


@dataclass(frozen=True)
class _View:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _StateDict(OrderedDict[str, Any]):
    """Tensors by name. The pickle sets an attribute on it that nothing here needs."""


def read_torch_weights(content: bytes) -> Weights:
    """The tensors of a PyTorch file by name: contiguous arrays of float32 or int64, in PyTorch's own order of axes.

    Raises:
        FedgeError: the content is not such a file, is longer than `MAX_BYTES`, has anything in it but tensors of these
            two types, or a tensor that reaches outside its storage.
    """
    if len(content) > MAX_BYTES:
        raise _refused(f"has {len(content):,} bytes, more than the {MAX_BYTES:,} that are read")
    stream = io.BytesIO(content)
    if _unpickle(stream) != _MAGIC:
        raise _refused("does not begin with PyTorch's magic number")
    if _unpickle(stream) != _PROTOCOL:
        raise _refused(f"is not of protocol {_PROTOCOL}")
    system = _unpickle(stream)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise _refused("was not written by a little-endian machine")
    views, keys = _unpickle(stream), _unpickle(stream)
    if type(views) is not _StateDict or not all(
        type(name) is str and type(view) is _View for name, view in views.items()
    ):
        raise _refused("has something else in it than tensors by name")
    storages = _read_storages(content, stream.tell(), views, keys)
    if sum(math.prod(view.shape) * view.storage.dtype.itemsize for view in views.values()) > MAX_BYTES:
        raise _refused(f"has tensors of more than {MAX_BYTES:,} bytes")
    return {name: _array(name, view, storages[view.storage.key]) for name, view in views.items()}


class _Unpickler(pickle.Unpickler):
    """Gives views in the place of tensors, and knows nothing that could be run."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return _StateDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _view
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise _refused(f"asks for {module}.{name}")

    def persistent_load(self, description: Any) -> _Storage:
        kind, dtype, key, _device, elements, view = description
        if kind != "storage" or type(key) is not str or type(elements) is not int or elements < 0 or view is not None:
            raise _refused("describes a storage wrongly")
        if not any(dtype is known for known in _DTYPES.values()):
            raise _refused("has a storage of a type that is not read")
        return _Storage(key, dtype, elements)


def _unpickle(stream: io.BytesIO) -> Any:
    start = stream.tell()
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            # A pickle remembers at most one thing an opcode; a larger index would only claim memory.
            remembers = opcode.name in ("BINPUT", "LONG_BINPUT")
            if opcode.name not in _OPCODES or (remembers and argument is not None and argument > count):
                raise _refused(f"has the pickle opcode {opcode.name} where PyTorch writes none")
        end = stream.tell()
        return _Unpickler(io.BytesIO(stream.getvalue()[start:end])).load()
    except FedgeError:
        raise
    # Whatever a damaged pickle makes Python's own reader raise; it runs nothing but what is in this module.
    except Exception as error:
        raise _refused(f"has a damaged pickle ({error})") from error


def _view(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _View:
    sizes = (offset, *shape, *strides)
    if type(storage) is not _Storage or not all(type(size) is int for size in sizes) or any(n < 0 for n in shape):
        raise _refused("describes a tensor wrongly")
    if len(shape) != len(strides) or len(shape) > _MAX_DIMENSIONS:
        raise _refused(f"has a tensor of {len(shape)} dimensions with {len(strides)} strides")
    return _View(storage, offset, tuple(shape), tuple(strides))


def _read_storages(content: bytes, start: int, views: dict[str, _View], keys: Any) -> dict[str, NDArray[Any]]:
    declared: dict[str, _Storage] = {}
    for view in views.values():
        if declared.setdefault(view.storage.key, view.storage) != view.storage:
            raise _refused(f"describes the storage {view.storage.key!r} in two ways")
    if type(keys) is not list or not all(type(key) is str for key in keys) or sorted(keys) != sorted(declared):
        raise _refused("has other storages than its tensors name")
    storages = {}
    for key in keys:
        storage = declared[key]
        begin, end = start + _COUNT.itemsize, start + _COUNT.itemsize + storage.elements * storage.dtype.itemsize
        if end > len(content):
            raise _refused("ends before its last storage does")
        if int(np.frombuffer(content, _COUNT, 1, start)[0]) != storage.elements:
            raise _refused(f"has another number of elements in the storage {key!r} than it says")
        storages[key] = np.frombuffer(content, storage.dtype, storage.elements, begin)
        start = end
    if start != len(content):
        raise _refused("goes on behind its last storage")
    return storages


def _array(name: str, view: _View, storage: NDArray[Any]) -> NDArray[Any]:
    reaches = [(size - 1) * stride for size, stride in zip(view.shape, view.strides, strict=True)]
    first = view.offset + sum(min(0, reach) for reach in reaches)
    last = view.offset + sum(max(0, reach) for reach in reaches)
    # A tensor larger than its storage repeats elements, by which a small file could claim any amount of memory.
    if 0 in view.shape or first < 0 or last >= storage.size or math.prod(view.shape) > storage.size:
        raise _refused(f"has a tensor {name!r} that reaches outside its storage")
    strides = tuple(stride * storage.itemsize for stride in view.strides)
    return np.array(as_strided(storage[view.offset :], view.shape, strides, writeable=False), order="C")


def _refused(what: str) -> FedgeError:
    return FedgeError(f"the PyTorch file {what}", "install the package that it came with again")
