"""New tensors and operators around an old network, every byte of which is kept behind the new tables.

Field and operator numbers are those of TensorFlow's `schema.fbs`.
"""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from fedge.making.graph.append_layer import IDENTIFIER, SCHEMA_VERSION, buffer_table, tensor_table
from fedge.making.graph.flatbuffer_tables import Number, Old, Table, Tables, Vector, serialize
from fedge.model.format.flatbuffer import TENSOR_TYPES, Reader, Tensor, read_graph

METADATA = "TFLITE_METADATA"
# Operators up to this number have it in the old field of one byte, too.
_LAST_OLD_CODE = 127
_NUMBERS = {name: number for number, name in TENSOR_TYPES.items()}


@dataclass(frozen=True)
class Call:
    """One operator: its number and version, and its options with their kind, if it has any."""

    code: int
    version: int = 1
    kind: int = 0
    options: Table | None = None


class Extension:
    """A network of one subgraph to which tables are added.

    Args:
        flatbuffer: a network with one input and one output.

    Attributes:
        input, output: the numbers of its input and its output among the tensors.
    """

    def __init__(self, flatbuffer: bytes) -> None:
        self._flatbuffer, self._reader = flatbuffer, Reader(flatbuffer)
        reader, model = self._reader, self._reader.follow(0)
        graph = reader.tables(model, 2)[0]
        self._model = model
        self._codes: list[Table | Old] = [Old(at) for at in reader.tables(model, 1)]
        self._buffers: list[Table | Old] = [Old(at) for at in reader.tables(model, 4)]
        self._tensors: list[Table | Old] = [Old(at) for at in reader.tables(graph, 0)]
        self._operators: list[Table | Old] = [Old(at) for at in reader.tables(graph, 3)]
        self._first: list[Table | Old] = []
        self.input = int(reader.numbers(graph, 1, "<i4")[0])
        self.output = int(reader.numbers(graph, 2, "<i4")[0])
        self._facts = read_graph(flatbuffer).tensors

    def facts(self, number: int) -> Tensor:
        """What one of the network's own tensors is."""
        return self._facts[number]

    def add(
        self, name: str, shape: tuple[int, ...], dtype: str, scale: float | None = None, zero_point: int = 0
    ) -> int:
        """Adds a tensor that is computed, and gives its number."""
        # Buffer 0 is the empty one, by convention.
        self._tensors.append(tensor_table(name, shape, _NUMBERS[dtype], 0, scale, zero_point))
        return len(self._tensors) - 1

    def constant(self, name: str, value: NDArray[Any]) -> int:
        """Adds a constant, and gives its number."""
        self._buffers.append(buffer_table(value.tobytes()))
        self._tensors.append(tensor_table(name, value.shape, _NUMBERS[value.dtype.name], len(self._buffers) - 1))
        return len(self._tensors) - 1

    def rename(self, number: int, name: str) -> None:
        """Gives one of the network's own tensors, of one scale or none, another name."""
        old, facts = self._tensors[number], self._facts[number]
        assert isinstance(old, Old)
        at = self._reader.field(old.at, 2)
        buffer = 0 if at is None else self._reader.number("I", at)
        scale, zero_point = (facts.scales[0], facts.zero_points[0]) if facts.scales else (None, 0)
        self._tensors[number] = tensor_table(name, facts.shape, _NUMBERS[facts.dtype], buffer, scale, zero_point)

    def call(self, call: Call, inputs: tuple[int, ...], output: int, before: bool = False) -> int:
        """Adds an operator after the network's own, or before them in the order of these calls; gives its output."""
        code: dict[int, Number | Vector | Table | Tables] = {
            0: Number("b", min(call.code, _LAST_OLD_CODE)),
            2: Number("i", call.version),
            3: Number("i", call.code),
        }
        fields: dict[int, Number | Vector | Table | Tables] = {
            0: Number("I", len(self._codes)),
            1: Vector.of("i", inputs),
            2: Vector.of("i", (output,)),
        }
        if call.options is not None:
            fields |= {3: Number("B", call.kind), 4: call.options}
        self._codes.append(Table(code))
        (self._first if before else self._operators).append(Table(fields))
        return output

    def drop_from(self, number: int) -> None:
        """Leaves out the network's own operators from this one on, counted from 0; it must not be the first one.

        What only they use gives up its place to something small, so that all other numbers stay as they are: tensors to
        one of int32, as every quantized network has, and kinds of operators to one that is called, because
        TensorFlow's quantizer refuses others.
        """
        del self._operators[number:]
        reader, left = self._reader, [each.at for each in self._operators if isinstance(each, Old)]
        places = [reader.field(at, 0) for at in left]
        codes = [0 if place is None else reader.number("I", place) for place in places]
        self._codes = [code if i in codes else self._codes[codes[0]] for i, code in enumerate(self._codes)]
        tensors = {int(i) for at in left for field in (1, 2) for i in reader.numbers(at, field, "<i4")}
        unused = tensor_table("unused", (1,), _NUMBERS["int32"], 0)
        self._tensors = [tensor if i in tensors else unused for i, tensor in enumerate(self._tensors)]

    def finish(self, given: int, result: int, metadata: bytes | None = None) -> bytes:
        """The flatbuffer of the network with all that was added.

        Args:
            given, result: the numbers of the tensors that are its input and its output.
            metadata: TFLite metadata, if any; other metadata of the network is kept.
        """
        kept = self._reader.tables(self._model, 6)
        described: list[Table | Old] = [Old(at) for at in kept if self._reader.text(at, 0) != METADATA]
        if metadata is not None:
            self._buffers.append(buffer_table(metadata))
            described.append(Table({0: Vector.of_text(METADATA), 1: Number("I", len(self._buffers) - 1)}))
        graph = Table(
            {
                0: Tables(tuple(self._tensors)),
                1: Vector.of("i", (given,)),
                2: Vector.of("i", (result,)),
                3: Tables((*self._first, *self._operators)),
                4: Vector.of_text("main"),
            }
        )
        root = Table(
            {
                0: Number("I", SCHEMA_VERSION),
                1: Tables(tuple(self._codes)),
                2: Tables((graph,)),
                3: Vector.of_text("fedge"),
                4: Tables(tuple(self._buffers)),
                6: Tables(tuple(described)),
            }
        )
        return serialize(root, IDENTIFIER, self._flatbuffer)
