"""Files of PyTorch's old format, honest and hostile, written here as PyTorch writes them."""

import io
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fedge.errors import FedgeError
from fedge_train.networks import torch_weights
from fedge_train.networks.torch_weights import read_torch_weights

SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
VALUES = np.arange(6, dtype=np.float32)


class Global:
    """Something that a pickle names by module and name."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Call:
    """A call of such a thing when the pickle is read."""

    def __init__(self, function: Global, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments


class Storage:
    def __init__(self, key: Any = "0", elements: Any = 6, kind: Any = "storage", dtype: str = "FloatStorage") -> None:
        self.description = (kind, Global("torch", dtype), key, "cpu", elements, None)


class Pickler(pickle._Pickler):
    """Python's own writer, which also writes names that cannot be imported here."""

    dispatch = pickle._Pickler.dispatch.copy()

    def persistent_id(self, value: Any) -> Any:
        return value.description if isinstance(value, Storage) else None

    def save_global_name(self, value: Global) -> None:
        self.write(pickle.GLOBAL + f"{value.module}\n{value.name}\n".encode())

    def save_call(self, value: Call) -> None:
        self.save(value.function)
        self.save(value.arguments)
        self.write(pickle.REDUCE)

    dispatch[Global], dispatch[Call] = save_global_name, save_call


def pickled(value: Any) -> bytes:
    stream = io.BytesIO()
    Pickler(stream, protocol=2).dump(value)
    return stream.getvalue()


def tensor(offset: Any = 0, shape: Any = (2, 3), strides: Any = (3, 1), storage: Any = None) -> Call:
    rebuild = Global("torch._utils", "_rebuild_tensor_v2")
    return Call(rebuild, Storage() if storage is None else storage, offset, shape, strides, False, OrderedDict())


def file_of(
    tensors: Any,
    magic: Any = 0x1950A86A20F9469CFC6C,
    protocol: Any = 1001,
    system: Any = SYSTEM,
    keys: Any = ("0",),
    storages: bytes = struct.pack("<q", 6) + VALUES.tobytes(),
) -> bytes:
    named = OrderedDict(tensors) if isinstance(tensors, dict) else tensors
    return b"".join(pickled(part) for part in (magic, protocol, system, named, list(keys))) + storages


def test_reads_views_by_their_offsets_and_strides() -> None:
    tensors = {
        "rows": tensor(),
        "columns": tensor(0, (3, 2), (1, 3)),
        "late": tensor(4, (2,), (1,)),
        "one": tensor(5, (), ()),
    }
    read = read_torch_weights(file_of(tensors))
    assert np.array_equal(read["rows"], VALUES.reshape(2, 3)) and np.array_equal(
        read["columns"], VALUES.reshape(2, 3).T
    )
    assert read["late"].tolist() == [4, 5] and read["one"] == 5
    assert all(array.flags.c_contiguous and array.flags.owndata for array in read.values())


def test_reads_whole_numbers() -> None:
    content = file_of(
        {"n": tensor(0, (), (), Storage(elements=1, dtype="LongStorage"))}, storages=struct.pack("<qq", 1, 7)
    )
    assert read_torch_weights(content)["n"] == 7


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        (tensor(offset=1), "reaches outside"),
        (tensor(offset=-1), "reaches outside"),
        (tensor(strides=(4, 1)), "reaches outside"),
        (tensor(strides=(-3, 1)), "reaches outside"),
        (tensor(offset=2, shape=(2,), strides=(-3,)), "reaches outside"),
        (tensor(offset=2**62, shape=(2,), strides=(2**62,)), "reaches outside"),
        (tensor(shape=(1000, 1000), strides=(0, 0)), "reaches outside"),
        (tensor(shape=(0, 3)), "reaches outside"),
        (tensor(shape=(-2, 3)), "wrongly"),
        (tensor(shape=(2.0, 3)), "opcode BINFLOAT"),
        (tensor(shape=(True, 3)), "wrongly"),
        (tensor(storage="no storage"), "wrongly"),
        (tensor(shape=(2, 3), strides=(3,)), "2 dimensions with 1 strides"),
        (tensor(shape=(1,) * 9, strides=(1,) * 9), "9 dimensions"),
        (tensor(shape=6, strides=1), "damaged pickle"),
        (tensor(storage=Storage(elements=-6)), "storage wrongly"),
        (tensor(storage=Storage(elements=2**62)), "ends before"),
        (tensor(storage=Storage(kind="module")), "storage wrongly"),
        (tensor(storage=Storage(key=0)), "storage wrongly"),
        (tensor(storage=Storage(dtype="HalfStorage")), "asks for torch.HalfStorage"),
        (Call(Global("os", "system"), "true"), "asks for os.system"),
        (Call(Global("builtins", "eval"), "1"), "asks for builtins.eval"),
        (Call(Global("collections", "Counter")), "asks for collections.Counter"),
        (7, "something else in it than tensors"),
    ],
)
def test_refuses_a_tensor_that_lies(view: Any, reason: str) -> None:
    with pytest.raises(FedgeError, match=reason):
        read_torch_weights(file_of({"w": view}))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (lambda: b"", "damaged pickle"),
        (lambda: b"PK\x03\x04" + bytes(100), "damaged pickle"),
        (lambda: file_of({"w": tensor()}, magic=7), "magic number"),
        (lambda: file_of({"w": tensor()}, protocol=1002), "protocol 1001"),
        (lambda: file_of({"w": tensor()}, system=SYSTEM | {"little_endian": False}), "little-endian"),
        (lambda: file_of({"w": tensor()}, system=7), "little-endian"),
        (lambda: file_of([tensor()]), "something else in it than tensors"),
        (lambda: file_of({7: tensor()}), "something else in it than tensors"),
        (lambda: file_of({"w": tensor()}, keys=("0", "0")), "other storages"),
        (lambda: file_of({"w": tensor()}, keys=("1",)), "other storages"),
        (lambda: file_of({"w": tensor()}, keys=(0,)), "other storages"),
        (lambda: file_of({"w": tensor(), "v": tensor(storage=Storage(elements=5))}), "two ways"),
        (lambda: file_of({"w": tensor()}, storages=struct.pack("<q", 5) + VALUES.tobytes()), "another number"),
        (lambda: file_of({"w": tensor()})[:-1], "ends before"),
        (lambda: file_of({"w": tensor()}) + b"\0", "goes on"),
        # A memo index of 2**31 would make Python's reader claim 32 GB; a byte array of 2**40, 1 TB.
        (lambda: b"\x80\x02K\x01r\xff\xff\xff\x7f.", "LONG_BINPUT"),
        (lambda: b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b".", "damaged pickle|BYTEARRAY8"),
        (lambda: b"\x80\x02\x81.", "opcode NEWOBJ"),
    ],
)
def test_refuses_a_file_that_lies(content: Callable[[], bytes], reason: str) -> None:
    with pytest.raises(FedgeError, match=reason):
        read_torch_weights(content())


def test_refuses_more_than_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    content = file_of({name: tensor() for name in "abcdefghijklmnopqrstuvwxyz"})
    # 26 views of one storage of 24 bytes.
    monkeypatch.setattr(torch_weights, "MAX_BYTES", max(len(content) - 1, 1))
    with pytest.raises(FedgeError, match="bytes, more than"):
        read_torch_weights(content)
    many = file_of({f"{i}": tensor(0, (6,), (1,)) for i in range(200)})
    monkeypatch.setattr(torch_weights, "MAX_BYTES", len(many))
    repeated = file_of(
        {f"{i}": tensor(0, (250,), (1,), Storage(elements=250)) for i in range(200)},
        storages=struct.pack("<q", 250) + bytes(1000),
    )
    monkeypatch.setattr(torch_weights, "MAX_BYTES", len(repeated))
    with pytest.raises(FedgeError, match="tensors of more than"):
        read_torch_weights(repeated)


@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_file_is_read_or_refused_and_nothing_else(seed: int) -> None:
    content, generator = file_of({"w": tensor(), "v": tensor(4, (2,), (1,))}), np.random.default_rng(seed)
    for _ in range(300):
        damaged = bytearray(content)
        for position in generator.integers(0, len(content), 3):
            damaged[position] = generator.integers(256)
        try:
            read_torch_weights(bytes(damaged))
        except FedgeError as error:
            assert "install the package" in error.mend
