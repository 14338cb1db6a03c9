"""A TFLite classifier from elsewhere, and its labels."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from fedge.errors import DataError, FedgeError, NotAModelFile, TooLarge
from fedge.images.picture import Picture
from fedge.images.preprocess import MAX_SIDE
from fedge.model import interpreter
from fedge.model.confidence import Floats, dequantize
from fedge.model.file import MAX_BYTES
from fedge.model.format.archive import archive_start
from fedge.model.format.flatbuffer import FlatbufferError, Tensor, read_graph
from fedge.model.format.foreign import ForeignInput, ForeignOutput, ForeignType, Kind
from fedge.system.files import sha256

_TYPES = ("uint8", "int8", "float32")
_MEND = "give a .tflite classifier of one picture and one output, not compiled for an accelerator"
# How far from 1 the sum of probabilities may be, besides the rounding of each.
_SUM_TOLERANCE = 0.02


@dataclass(frozen=True)
class ForeignNetwork:
    """A network that loads: its flatbuffer, the SHA-256 of the whole file, its name, its input and its output."""

    file: str
    sha256: str
    flatbuffer: bytes
    input: Tensor
    output: Tensor

    @property
    def classes(self) -> int:
        """How many values it gives."""
        return math.prod(self.output.shape)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The input's height, width and channels."""
        _, height, width, channels = self.input.shape
        return height, width, channels

    def answers(self, images: list[Picture], given: ForeignInput) -> Floats:
        """What it gives for preprocessed pictures as real numbers, [n, classes]."""
        network = interpreter.Network(self.flatbuffer)
        values = np.stack([network.logits(given.encode(image)) for image in images])
        return dequantize(values, *scale_of(self.output))


def read_network(path: Path, use: str = "be adopted", mend: str = _MEND) -> ForeignNetwork:
    """Reads a network from elsewhere, of one picture and one output, and loads it once in a process of its own.

    `use` is what it is to do, for the error's text. Raises a ModelFileError where it is no such thing.
    """
    if not path.is_file():
        raise NotAModelFile(f"there is no file {path}", "give the path of a .tflite file")
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise TooLarge(f"{path} has more than {MAX_BYTES} bytes", "use a smaller network")
    # Other tools append metadata to the network, such as labels: it is dropped, since fedge appends its own.
    flatbuffer = data[: archive_start(data)]
    try:
        graph = read_graph(flatbuffer)
    except FlatbufferError as error:
        raise NotAModelFile(f"{path} is no TFLite network ({error})", mend) from error
    problem = None
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        problem = f"it has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs, not one of each"
    elif graph.custom_operators:
        problem = "it calls a custom operator, as what is compiled for an accelerator does"
    else:
        problem = _first_problem(graph.inputs[0], graph.outputs[0])
    if problem:
        raise NotAModelFile(f"{path} cannot {use}: {problem}", mend)
    interpreter.probe(flatbuffer)
    return ForeignNetwork(path.name, sha256(data), flatbuffer, graph.inputs[0], graph.outputs[0])


def _first_problem(given: Tensor, result: Tensor) -> str | None:
    for name, tensor in (("input", given), ("output", result)):
        if tensor.dtype not in _TYPES:
            return f"its {name} is {tensor.dtype}"
        if tensor.dtype != "float32" and (len(tensor.scales) != 1 or len(tensor.zero_points) != 1):
            return f"its {name} is {tensor.dtype} without one scale and zero point"
    shape = given.shape
    if len(shape) != 4 or shape[0] != 1 or shape[3] not in (1, 3) or not all(0 < n <= MAX_SIDE for n in shape[1:]):
        return f"its input is {list(shape)}, not [1, height, width, 1 or 3]"
    classes = math.prod(result.shape)
    if classes < 2 or max(result.shape) != classes:
        return f"its output is {list(result.shape)}, not a value for each of two classes or more"
    return None


def scale_of(tensor: Tensor) -> tuple[float, int]:
    """The tensor's scale and zero point; 1 and 0 where it holds real numbers."""
    return (1.0, 0) if tensor.dtype == "float32" else (tensor.scales[0], tensor.zero_points[0])


def output_of(network: ForeignNetwork, answers: Floats) -> ForeignOutput:
    """The facts of its output; `answers`, real [n, classes], show whether they are probabilities."""
    scale, zero_point = scale_of(network.output)
    rounding = 0.0 if network.output.dtype == "float32" else network.classes * scale / 2
    sums = np.abs(answers.sum(axis=1) - 1).max()
    probabilities = answers.min() >= -1e-6 and sums <= _SUM_TOLERANCE + rounding
    kind: Kind = "probabilities" if probabilities else "logits"
    return ForeignOutput(network.classes, cast(ForeignType, network.output.dtype), scale, zero_point, kind)


def read_labels(path: Path, classes: int) -> tuple[str, ...]:
    """Reads one class a line, each with its number before it (`0 cup`) or none.

    Raises DataError unless there are `classes` of them, each once.
    """
    mend = "give a text file with one class a line, in the order of the network's outputs"
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except OSError as error:
        raise DataError(f"the labels {path} cannot be read ({error.strerror})", mend) from error
    except UnicodeDecodeError as error:
        raise DataError(f"the labels {path} are not UTF-8", mend) from error
    numbered = [re.fullmatch(r"(\d+)[\s:,]+(\S.*)", line) for line in lines]
    if lines and all(match and int(match[1]) == i for i, match in enumerate(numbered)):
        lines = [match[2] for match in numbered if match]
    if len(lines) != classes:
        raise DataError(f"{path} has {len(lines)} labels for {classes} outputs", mend)
    if len(set(lines)) != len(lines):
        raise DataError(f"{path} has a label twice", mend)
    return tuple(lines)


def require_known(network: ForeignNetwork, other: ForeignNetwork) -> None:
    """Raises FedgeError unless two networks have the same number of classes."""
    if network.classes != other.classes:
        raise FedgeError(
            f"{other.file} has {other.classes} classes, {network.file} has {network.classes}",
            "give the float network that it was made from",
        )
