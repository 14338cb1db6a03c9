"""Reads what a TFLite flatbuffer says of its tensors, without an interpreter.

Every offset is checked before it is followed, because the bytes may be hostile and an interpreter that meets them
first can end the process. Field numbers are those of TensorFlow's `schema.fbs`.
"""

import struct
from dataclasses import dataclass

import numpy as np

TENSOR_TYPES = {0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 6: "bool", 7: "int16", 9: "int8"}

_MODEL_OPERATOR_CODES, _MODEL_SUBGRAPHS = 1, 2
_CODE_CUSTOM = 1
_GRAPH_TENSORS, _GRAPH_INPUTS, _GRAPH_OUTPUTS = 0, 1, 2
_TENSOR_SHAPE, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_QUANTIZATION = 0, 1, 3, 4
_QUANTIZATION_SCALE, _QUANTIZATION_ZERO_POINT = 2, 3
# Of all vectors together: many fields may point at one vector, so that a few bytes could claim any number of items.
_MAX_ITEMS = 1_000_000
_SCALE_TOLERANCE = 1e-6


class FlatbufferError(ValueError):
    """The bytes are not a TFLite flatbuffer that can be read."""


@dataclass(frozen=True)
class Tensor:
    """One tensor: its name, shape, type (a value of `TENSOR_TYPES`), and per-tensor or per-channel scales."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]

    def has_scale(self, scale: float) -> bool:
        """Whether it has one scale and that is `scale`: the flatbuffer keeps float32, which agrees to 24 bits."""
        return len(self.scales) == 1 and abs(self.scales[0] - scale) <= _SCALE_TOLERANCE * scale


@dataclass(frozen=True)
class Graph:
    """The first subgraph: all its tensors, and which are inputs and outputs; whether it calls a custom operator."""

    tensors: tuple[Tensor, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    custom_operators: bool


def read_graph(data: bytes) -> Graph:
    """Reads the graph of a flatbuffer with exactly one subgraph; raises FlatbufferError where it cannot."""
    try:
        return _read_graph(Reader(data))
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise FlatbufferError(f"the flatbuffer is damaged ({error})") from error


class Reader:
    """Follows a flatbuffer's offsets, each checked first; raises FlatbufferError, struct.error or IndexError."""

    def __init__(self, data: bytes) -> None:
        if data[4:8] != b"TFL3":
            raise FlatbufferError("the flatbuffer's identifier TFL3 is missing")
        self.data = data
        self._items = 0

    def number(self, kind: str, at: int) -> int:
        """The number of a `struct` kind at a place."""
        if at < 0:
            raise FlatbufferError("an offset points before the start")
        value: int = struct.unpack_from(f"<{kind}", self.data, at)[0]
        return value

    def follow(self, at: int) -> int:
        """Where the offset at a place leads to."""
        return at + self.number("I", at)

    def field(self, table: int, index: int) -> int | None:
        """Where the table's field `index` lies, or None where it has its default."""
        vtable = table - self.number("i", table)
        entry = 4 + 2 * index
        if entry >= self.number("H", vtable):
            return None
        offset = self.number("H", vtable + entry)
        return table + offset if offset else None

    def vector(self, table: int, index: int) -> tuple[int, int]:
        """Where the items of the vector in field `index` begin, and how many there are."""
        at = self.field(table, index)
        if at is None:
            return 0, 0
        start = self.follow(at)
        count = self.number("I", start)
        self._items += count
        if self._items > _MAX_ITEMS:
            raise FlatbufferError(f"its vectors claim more than {_MAX_ITEMS} items")
        return start + 4, count

    def tables(self, table: int, index: int) -> list[int]:
        """Where the tables of the vector in field `index` lie."""
        start, count = self.vector(table, index)
        return [self.follow(start + 4 * i) for i in range(count)]

    def numbers(self, table: int, index: int, dtype: str) -> list[int] | list[float]:
        """The numbers of the vector in field `index`."""
        start, count = self.vector(table, index)
        size = np.dtype(dtype).itemsize * count
        if start + size > len(self.data):
            raise FlatbufferError("a vector runs past the end")
        values: list[int] | list[float] = np.frombuffer(self.data, dtype, count, start).tolist() if count else []
        return values

    def text(self, table: int, index: int) -> str:
        """The text in field `index`."""
        start, count = self.vector(table, index)
        return self.data[start : start + count].decode()


def int8_problem(graph: Graph, input_scale: float, input_zero_point: int) -> str | None:
    """What keeps a network from being int8 throughout, with one uint8 input of this scale and one int8 output; or None.

    Between them a tensor is int8, or int32 as biases and shapes are.
    """
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        return f"the network has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs, not one of each"
    network_input, network_output = graph.inputs[0], graph.outputs[0]
    if network_input.dtype != "uint8" or not network_input.has_scale(input_scale):
        found = f"{network_input.dtype} of {network_input.scales}"
        return f"the network's input is not uint8 of scale {input_scale:.6g}, but {found}"
    if network_input.zero_points != (input_zero_point,):
        return f"the network's input has another zero point than {input_zero_point}"
    if network_output.dtype != "int8":
        return f"the network's output is not int8, but {network_output.dtype}"
    if graph.custom_operators:
        return "the network calls a custom operator"
    inner = (t for t in graph.tensors if (t.name, t.dtype) != (network_input.name, network_input.dtype))
    foreign = next((t for t in inner if t.dtype not in ("int8", "int32")), None)
    return f"the tensor {foreign.name} is {foreign.dtype}, not int8 or int32" if foreign else None


def _read_graph(reader: Reader) -> Graph:
    model = reader.follow(0)
    subgraphs = reader.tables(model, _MODEL_SUBGRAPHS)
    if len(subgraphs) != 1:
        raise FlatbufferError(f"there are {len(subgraphs)} subgraphs, not one")
    tensors = tuple(_read_tensor(reader, table) for table in reader.tables(subgraphs[0], _GRAPH_TENSORS))

    def chosen(index: int) -> tuple[Tensor, ...]:
        numbers = [int(i) for i in reader.numbers(subgraphs[0], index, "<i4")]
        if any(not 0 <= i < len(tensors) for i in numbers):
            raise FlatbufferError("an input or output names a tensor that is not there")
        return tuple(tensors[i] for i in numbers)

    codes = reader.tables(model, _MODEL_OPERATOR_CODES)
    custom = any(reader.field(code, _CODE_CUSTOM) is not None for code in codes)
    return Graph(tensors, chosen(_GRAPH_INPUTS), chosen(_GRAPH_OUTPUTS), custom)


def _read_tensor(reader: Reader, table: int) -> Tensor:
    type_at = reader.field(table, _TENSOR_TYPE)
    type_number = 0 if type_at is None else reader.number("b", type_at)
    quantization_at = reader.field(table, _TENSOR_QUANTIZATION)
    scales: list[int] | list[float] = []
    zero_points: list[int] | list[float] = []
    if quantization_at is not None:
        quantization = reader.follow(quantization_at)
        scales = reader.numbers(quantization, _QUANTIZATION_SCALE, "<f4")
        zero_points = reader.numbers(quantization, _QUANTIZATION_ZERO_POINT, "<i8")
    return Tensor(
        name=reader.text(table, _TENSOR_NAME),
        shape=tuple(int(n) for n in reader.numbers(table, _TENSOR_SHAPE, "<i4")),
        dtype=TENSOR_TYPES.get(type_number, f"type {type_number}"),
        scales=tuple(float(s) for s in scales),
        zero_points=tuple(int(z) for z in zero_points),
    )
