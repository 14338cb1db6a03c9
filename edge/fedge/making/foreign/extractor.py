"""A network that gives features: one that `fedge backbone` made, or a TFLite file from elsewhere."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedge.errors import NotAModelFile
from fedge.images.preprocess import Recipe
from fedge.making.backbone import is_backbone, read_backbone
from fedge.making.foreign.network import ForeignNetwork, read_network, scale_of
from fedge.making.graph.cut_head import cut_head, ends_with_softmax
from fedge.making.graph.extension import Call, Extension
from fedge.making.graph.flatbuffer_tables import Number, Table
from fedge.model import file as model_file
from fedge.model.confidence import Floats, dequantize
from fedge.model.file import MANIFEST
from fedge.model.format.archive import has_member
from fedge.model.format.flatbuffer import Graph, Reader, int8_problem, read_graph
from fedge.model.interpreter import Network
from fedge.model.manifest import INPUT_SCALE, INPUT_ZERO_POINT, Manifest
from fedge.system.console import echo, file_name
from fedge.system.files import sha256

_MEND = (
    "give what `fedge backbone` made, or a .tflite that makes one vector of features of a colour picture: in float32, "
    "or int8 with a uint8 input of scale 1/255 and zero point 0"
)
# Besides its numbers a float network has shapes and conditions.
_FLOAT_TYPES = ("float32", "int32", "int64", "bool")
# Numbers of TensorFlow's `schema.fbs`: operators, and the kinds of their options.
_ADD, _MUL, _ADD_OPTIONS, _MUL_OPTIONS = 0, 18, 11, 21


@dataclass(frozen=True)
class Extractor:
    """A network that gives features of pictures.

    Attributes:
        name: its name.
        flatbuffer: the network. Its input is an int8 network's: uint8 [1, height, width, 3] of scale 1/255; or float32
            of the same shape, 0..1 once `with_input` was told what it is.
        recipe: what makes its input of a picture.
    """

    name: str
    flatbuffer: bytes
    recipe: Recipe

    @property
    def graph(self) -> Graph:
        """Its tensors."""
        return read_graph(self.flatbuffer)

    @property
    def sha256(self) -> str:
        """The SHA-256 of its flatbuffer."""
        return sha256(self.flatbuffer)

    @property
    def is_int8(self) -> bool:
        """Whether it is an int8 network already; else it is one of float32."""
        return self.graph.inputs[0].dtype == "uint8"

    @property
    def features(self) -> int:
        """How many numbers it gives."""
        return math.prod(self.graph.outputs[0].shape)

    @property
    def constants(self) -> int:
        """How many numbers it holds: its weights and biases."""
        reader = Reader(self.flatbuffer)
        model = reader.follow(0)
        # The reader counts the items of vectors, to refuse hostile files: weights are far more than it takes.
        data = [reader.field(buffer, 0) for buffer in reader.tables(model, 4)]
        filled = [at is not None and reader.number("I", reader.follow(at)) > 0 for at in data]
        found = 0
        for tensor, at in zip(self.graph.tensors, reader.tables(reader.tables(model, 2)[0], 0), strict=True):
            place = reader.field(at, 2)
            buffer = 0 if place is None else reader.number("I", place)
            found += math.prod(tensor.shape) if buffer < len(filled) and filled[buffer] else 0
        return found

    def with_input(self, gain: tuple[float, ...], offset: tuple[float, ...]) -> "Extractor":
        """One of float32 that takes pictures of 0..1, where this one takes pixel * gain + offset, pixels of 0..255.

        Both are for red, green and blue.
        """
        network = Extension(self.flatbuffer)
        shape = network.facts(network.input).shape
        steps = ((_MUL, _MUL_OPTIONS, np.array(gain) * 255, 1.0), (_ADD, _ADD_OPTIONS, np.array(offset), 0.0))
        needed = [step for step in steps if not np.allclose(step[2], step[3])]
        if not needed:
            return self
        given = reached = network.add("image", shape, "float32")
        for number, (code, kind, values, _) in enumerate(needed):
            constant = network.constant(f"image/{code}", values.astype(np.float32))
            result = network.input if number == len(needed) - 1 else network.add("image/scaled", shape, "float32")
            call = Call(code, kind=kind, options=Table({0: Number("b", 0)}))
            reached = network.call(call, (reached, constant), result, before=True)
        return replace(self, flatbuffer=network.finish(given, network.output))


class ExtractorNetwork:
    """An extractor loaded by its interpreter; not to be called from several threads at once."""

    def __init__(self, extractor: Extractor, threads: int) -> None:
        self._network = Network(extractor.flatbuffer, threads)
        self._is_int8 = extractor.is_int8
        self._scale, self._zero_point = scale_of(extractor.graph.outputs[0])

    def __call__(self, image: NDArray[np.uint8]) -> Floats:
        """The real features, [features], of a preprocessed picture: uint8, [height, width, 3]."""
        given = image if self._is_int8 else image.astype(np.float32) / np.float32(255)
        return dequantize(self._network.logits(given), self._scale, self._zero_point)


def read_extractor(path: Path) -> Extractor:
    """Reads a file of features; raises a ModelFileError that says what is wrong with it."""
    name = file_name(Path(path.stem))
    if is_backbone(path):
        backbone = read_backbone(path)
        return Extractor(name, backbone.flatbuffer, backbone.manifest.preprocessing)
    network = read_network(path, "give features", _MEND)
    if has_member(path.read_bytes(), MANIFEST):
        return _of_model(name, path)
    if ends_with_softmax(network.flatbuffer):
        network = _without_head(path, network)
    is_float = network.input.dtype == "float32"
    if problem := _float_problem(network) if is_float else int8_extractor_problem(network):
        raise NotAModelFile(f"{path} cannot give features: {problem}", _MEND)
    height, width, _ = network.shape
    return Extractor(name, network.flatbuffer, Recipe(height, width, "rgb"))


def _of_model(name: str, path: Path) -> Extractor:
    """The features of a model file that fedge made: what its last layer multiplies."""
    model = model_file.read(path)
    if not isinstance(model.manifest, Manifest) or (features := cut_head(model.flatbuffer)) is None:
        raise NotAModelFile(f"{path} cannot give features: its last layer is no fully connected one", _MEND)
    echo(f"{path} is a model: what its last layer multiplies are the features")
    return Extractor(name, features, model.manifest.preprocessing)


def _without_head(path: Path, network: ForeignNetwork) -> ForeignNetwork:
    features = cut_head(network.flatbuffer)
    if features is None:
        problem = "it ends with probabilities, and not by a fully connected layer before them"
        raise NotAModelFile(f"{path} cannot give features: {problem}", _MEND)
    echo(f"{path} is a classifier: what its last layer multiplies are the features")
    graph = read_graph(features)
    return replace(network, flatbuffer=features, input=graph.inputs[0], output=graph.outputs[0])


def int8_extractor_problem(network: ForeignNetwork) -> str | None:
    """What keeps a network from being an int8 one that gives features of uint8 pictures of scale 1/255; or None."""
    return int8_problem(read_graph(network.flatbuffer), INPUT_SCALE, INPUT_ZERO_POINT) or _shape_problem(network)


def _shape_problem(network: ForeignNetwork) -> str | None:
    if network.shape[2] != 3:
        return "its input is gray"
    if len(network.output.shape) != 2:
        return f"its output is {list(network.output.shape)}, not [1, features]"
    return None


def _float_problem(network: ForeignNetwork) -> str | None:
    """What keeps a float network from being made int8 later; or None."""
    odd = next((t for t in read_graph(network.flatbuffer).tensors if t.dtype not in _FLOAT_TYPES), None)
    return f"it is float32 in parts only, {odd.name} is {odd.dtype}" if odd else _shape_problem(network)
