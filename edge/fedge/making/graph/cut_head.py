"""A classifier without its last layer: what that layer multiplies are features.

Field and operator numbers are those of TensorFlow's `schema.fbs`.
"""

from fedge.making.graph.append_layer import FULLY_CONNECTED
from fedge.making.graph.extension import Extension
from fedge.model.format.flatbuffer import Reader

SOFTMAX = 25
_DEQUANTIZE, _LOGISTIC, _QUANTIZE = 6, 14, 114
# What stands behind a classifier's last layer, if anything does.
_BEHIND = (SOFTMAX, _LOGISTIC, _DEQUANTIZE, _QUANTIZE)


def operator_codes(flatbuffer: bytes) -> list[int]:
    """The numbers of a network's operators, in the order in which they are called."""
    reader = Reader(flatbuffer)
    model = reader.follow(0)
    # The field of one byte holds numbers up to 127, the newer one all; the larger one counts.
    codes = [max(_number(reader, code, 0, "b"), _number(reader, code, 3, "i")) for code in reader.tables(model, 1)]
    return [codes[_number(reader, at, 0, "I")] for at in reader.tables(reader.tables(model, 2)[0], 3)]


def ends_with_softmax(flatbuffer: bytes) -> bool:
    """Whether the network makes probabilities at its end, as a classifier does."""
    codes = operator_codes(flatbuffer)
    return any(code in (SOFTMAX, _LOGISTIC) for code in codes[len(codes) - _count_behind(codes) :])


def cut_head(flatbuffer: bytes) -> bytes | None:
    """The network up to the input of its last layer; None where that is not a fully connected one."""
    codes = operator_codes(flatbuffer)
    last = len(codes) - _count_behind(codes) - 1
    if last < 1 or codes[last] != FULLY_CONNECTED:
        return None
    reader = Reader(flatbuffer)
    operators = reader.tables(reader.tables(reader.follow(0), 2)[0], 3)
    features = int(reader.numbers(operators[last], 1, "<i4")[0])
    network = Extension(flatbuffer)
    network.drop_from(last)
    return network.finish(network.input, features)


def _count_behind(codes: list[int]) -> int:
    return next((number for number, code in enumerate(reversed(codes)) if code not in _BEHIND), len(codes))


def _number(reader: Reader, table: int, index: int, kind: str) -> int:
    at = reader.field(table, index)
    return 0 if at is None else reader.number(kind, at)
