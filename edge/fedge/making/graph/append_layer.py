"""A backbone's flatbuffer with a fully connected layer at its end: features become logits, all of it int8.

Field and operator numbers are those of TensorFlow's `schema.fbs`.
"""

from dataclasses import dataclass

import numpy as np

from fedge.making.graph.flatbuffer_tables import ALIGNMENT, Number, Old, Table, Tables, Vector, serialize
from fedge.model.confidence import Floats
from fedge.model.format.flatbuffer import Reader, read_graph

IDENTIFIER, SCHEMA_VERSION = b"TFL3", 3
INT32, INT8 = 2, 9
# The operator, the kind of its options, and the first version that takes int8.
FULLY_CONNECTED, FULLY_CONNECTED_OPTIONS, INT8_VERSION = 9, 8, 4
LOGITS = "logits"
_WEIGHT_STEPS, _STEPS = 127, 255
# Pictures of other scenes may give logits beyond those seen: this share of their range is added at each end.
_MARGIN = 0.1


@dataclass(frozen=True)
class LinearHead:
    """A linear function of features: `weights`, [features, classes], and `bias`, [classes]."""

    weights: Floats
    bias: Floats

    def logits(self, features: Floats) -> Floats:
        """The logits, [n, classes], of real features, [n, features]."""
        return np.asarray(features @ self.weights + self.bias)


def append_layer(flatbuffer: bytes, head: LinearHead, seen: Floats) -> bytes:
    """The backbone with the head as an int8 layer behind it; every byte of the backbone is kept.

    Args:
        flatbuffer: a network with one int8 output, [1, features].
        head: the layer; its weights get one scale, its bias is int32.
        seen: logits of the head, [n, classes], from which the output's range is read.
    """
    features = read_graph(flatbuffer).outputs[0]
    weight_scale = max(float(np.abs(head.weights).max()), 1e-12) / _WEIGHT_STEPS
    weights = np.rint(head.weights.T / weight_scale).astype(np.int8)
    bias_scale = features.scales[0] * weight_scale
    limit = np.iinfo(np.int32).max
    bias = np.clip(np.rint(head.bias / bias_scale), -limit, limit).astype("<i4")
    scale, zero_point = _output_range(seen)
    classes = len(bias)

    reader = Reader(flatbuffer)
    model = reader.follow(0)
    graph = reader.tables(model, 2)[0]
    codes, buffers = reader.tables(model, 1), reader.tables(model, 4)
    tensors, operators = reader.tables(graph, 0), reader.tables(graph, 3)
    inputs = [int(i) for i in reader.numbers(graph, 1, "<i4")]
    last = int(reader.numbers(graph, 2, "<i4")[0])

    first_tensor, first_buffer = len(tensors), len(buffers)
    layer = Table(
        {
            0: Number("I", len(codes)),
            1: Vector.of("i", (last, first_tensor, first_tensor + 1)),
            2: Vector.of("i", (first_tensor + 2,)),
            3: Number("B", FULLY_CONNECTED_OPTIONS),
            4: Table({0: Number("b", 0)}),
        }
    )
    added = (
        tensor_table(f"{LOGITS}/weights", weights.shape, INT8, first_buffer, weight_scale, 0),
        tensor_table(f"{LOGITS}/bias", bias.shape, INT32, first_buffer + 1, bias_scale, 0),
        # Buffer 0 is the empty one, by convention.
        tensor_table(LOGITS, (1, classes), INT8, 0, scale, zero_point),
    )
    new_graph = Table(
        {
            0: Tables((*map(Old, tensors), *added)),
            1: Vector.of("i", tuple(inputs)),
            2: Vector.of("i", (first_tensor + 2,)),
            3: Tables((*map(Old, operators), layer)),
            4: Vector.of_text("main"),
        }
    )
    code = Table({0: Number("b", FULLY_CONNECTED), 2: Number("i", INT8_VERSION), 3: Number("i", FULLY_CONNECTED)})
    root = Table(
        {
            0: Number("I", SCHEMA_VERSION),
            1: Tables((*map(Old, codes), code)),
            2: Tables((new_graph,)),
            3: Vector.of_text("fedge"),
            4: Tables((*map(Old, buffers), buffer_table(weights.tobytes()), buffer_table(bias.tobytes()))),
        }
    )
    return serialize(root, IDENTIFIER, flatbuffer)


def _output_range(seen: Floats) -> tuple[float, int]:
    """The scale and zero point of an int8 output that holds all logits seen, and a margin at each end."""
    low, high = float(seen.min()), float(seen.max())
    margin = max(_MARGIN * (high - low), 1e-3)
    scale = (high - low + 2 * margin) / _STEPS
    return scale, int(np.clip(np.rint(-128 - (low - margin) / scale), -128, 127))


def tensor_table(
    name: str, shape: tuple[int, ...], dtype: int, buffer: int, scale: float | None = None, zero_point: int = 0
) -> Table:
    """A tensor's table; where a scale is given, a value q stands for the real number scale * (q - zero_point)."""
    fields: dict[int, Number | Vector | Table | Tables] = {
        0: Vector.of("i", shape),
        1: Number("b", dtype),
        2: Number("I", buffer),
        3: Vector.of_text(name),
    }
    if scale is not None:
        fields[4] = Table({2: Vector.of("f", (scale,)), 3: Vector.of("q", (zero_point,))})
    return Table(fields)


def buffer_table(data: bytes) -> Table:
    """A buffer with the bytes of a constant."""
    return Table({0: Vector(data, len(data), ALIGNMENT)})
