"""TFLite networks of a few hundred bytes, written by hand: a backbone, and classifiers as other tools make them."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fedge import __version__
from fedge.images.preprocess import Recipe
from fedge.making.backbone import FORMAT, BackboneManifest, pack_backbone
from fedge.making.graph.append_layer import IDENTIFIER, INT8, INT32, SCHEMA_VERSION, buffer_table, tensor_table
from fedge.making.graph.flatbuffer_tables import Number, Table, Tables, Vector, serialize
from fedge.model import self_test
from fedge.model.format.flatbuffer import read_graph
from fedge.model.interpreter import Network
from fedge.model.manifest import FlatbufferFacts, InputFacts, OutputFacts, SelfTestFacts
from fedge.system.files import sha256

FLOAT32, UINT8 = 0, 3
AVERAGE_POOL, FULLY_CONNECTED, RESHAPE, SOFTMAX, QUANTIZE = 1, 9, 22, 25, 114
_POOL_OPTIONS, _CONNECTED_OPTIONS, _SOFTMAX_OPTIONS, _RESHAPE_OPTIONS = 5, 8, 9, 17
SIDE, POOLED = 32, 4
COLORS = {"blue": (200, 40, 30), "green": (40, 190, 50), "red": (30, 50, 210)}


class Graph:
    """A network in the making."""

    def __init__(self) -> None:
        self._tensors: list[Table] = []
        self._buffers = [Table({0: Vector(b"", 0)})]
        self._operators: list[Table] = []
        self._codes: list[Table] = []

    def tensor(
        self,
        shape: tuple[int, ...],
        dtype: int,
        scale: float | None = None,
        zero_point: int = 0,
        data: NDArray[np.generic] | None = None,
    ) -> int:
        buffer = 0
        if data is not None:
            buffer = len(self._buffers)
            self._buffers.append(buffer_table(data.tobytes()))
        self._tensors.append(tensor_table(f"t{len(self._tensors)}", shape, dtype, buffer, scale, zero_point))
        return len(self._tensors) - 1

    def call(
        self,
        code: int,
        inputs: tuple[int, ...],
        output: int,
        kind: int = 0,
        options: Table | None = None,
        version: int = 1,
    ) -> int:
        self._codes.append(Table({0: Number("b", code), 2: Number("i", version), 3: Number("i", code)}))
        fields = {0: Number("I", len(self._codes) - 1), 1: Vector.of("i", inputs), 2: Vector.of("i", (output,))}
        if options is not None:
            fields |= {3: Number("B", kind), 4: options}
        self._operators.append(Table(fields))
        return output

    def reshape(self, given: int, result: int, shape: tuple[int, ...]) -> int:
        return self.call(RESHAPE, (given,), result, _RESHAPE_OPTIONS, Table({0: Vector.of("i", shape)}))

    def pool(self, given: int, result: int, size: int) -> int:
        options = Table({0: Number("b", 1), **{i: Number("i", size) for i in (1, 2, 3, 4)}, 5: Number("b", 0)})
        return self.call(AVERAGE_POOL, (given,), result, _POOL_OPTIONS, options, version=2)

    def connect(self, given: int, weights: int, bias: int, result: int, version: int = 4) -> int:
        options = Table({0: Number("b", 0)})
        return self.call(FULLY_CONNECTED, (given, weights, bias), result, _CONNECTED_OPTIONS, options, version)

    def softmax(self, given: int, result: int) -> int:
        return self.call(SOFTMAX, (given,), result, _SOFTMAX_OPTIONS, Table({0: Number("f", 1.0)}), version=2)

    def build(self, inputs: int, outputs: int) -> bytes:
        graph = Table(
            {
                0: Tables(tuple(self._tensors)),
                1: Vector.of("i", (inputs,)),
                2: Vector.of("i", (outputs,)),
                3: Tables(tuple(self._operators)),
            }
        )
        return serialize(
            Table(
                {
                    0: Number("I", SCHEMA_VERSION),
                    1: Tables(tuple(self._codes)),
                    2: Tables((graph,)),
                    4: Tables(tuple(self._buffers)),
                }
            ),
            IDENTIFIER,
        )


def tiny_features() -> bytes:
    """uint8 pictures of 32 pixels to the mean colours of 16 squares: int8, [1, 48]."""
    graph = Graph()
    scale = 1 / 255
    picture = graph.tensor((1, SIDE, SIDE, 3), UINT8, scale, 0)
    signed = graph.call(QUANTIZE, (picture,), graph.tensor((1, SIDE, SIDE, 3), INT8, scale, -128), version=2)
    pooled = graph.pool(signed, graph.tensor((1, POOLED, POOLED, 3), INT8, scale, -128), SIDE // POOLED)
    shape = (1, POOLED * POOLED * 3)
    return graph.build(picture, graph.reshape(pooled, graph.tensor(shape, INT8, scale, -128), shape))


def write_tiny_backbone(path: Path) -> Path:
    """The same as a backbone file."""
    flatbuffer, recipe = tiny_features(), Recipe(SIDE, SIDE, "rgb")
    output = read_graph(flatbuffer).outputs[0]
    pictures = [colored(name, number) for number, name in enumerate(COLORS)]
    manifest = BackboneManifest(
        format=FORMAT,
        least_fedge=__version__,
        name="tiny",
        flatbuffer=FlatbufferFacts(len(flatbuffer), sha256(flatbuffer)),
        members={},
        input=InputFacts(SIDE, SIDE, 3, "rgb"),
        preprocessing=recipe,
        output=OutputFacts(output.shape[1], output.scales[0], output.zero_points[0]),
        self_test=SelfTestFacts(1),
        architecture="tiny",
        parameters=0,
        weights="nothing",
        weights_sha256="",
        calibration="nothing",
        calibration_pictures=0,
        calibration_sha256="",
        feature_error=0.0,
    )
    golden = self_test.pack(self_test.make(Network(flatbuffer).logits, recipe, pictures))
    path.write_bytes(pack_backbone(flatbuffer, manifest, golden, "# tiny\n"))
    return path


def colored(name: str, number: int, side: int = 48) -> NDArray[np.uint8]:
    """A box of one colour on a ground that the number moves: uint8, [side, side, 3], blue-green-red."""
    generator = np.random.default_rng([list(COLORS).index(name), number])
    coarse = generator.integers(0, 140, (5, 5, 3), dtype=np.uint8)
    picture = np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    left, top = generator.integers(0, side // 2, 2)
    cv2.rectangle(picture, (left, top), (left + side // 2, top + side // 2), COLORS[name], -1)
    return picture


def write_colored(root: Path, each: int, names: tuple[str, ...] = tuple(COLORS), first: int = 0) -> Path:
    """A folder per class of such pictures."""
    for name in names:
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(first, first + each):
            cv2.imwrite(str(root / name / f"{number:04d}.png"), colored(name, number))
    return root


def color_head(gain: float, offset: float, bgr: bool = False) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights, [3, 48], and bias of a network that knows the colours of `COLORS` by how many squares have them.

    Its input is pixel * gain + offset; with `bgr` its channels stand the other way round. A wrong gain or offset makes
    one class of all pictures, as it does in a network with rectifiers.
    """
    squares = POOLED * POOLED
    means = np.array([COLORS[name] for name in COLORS], np.float64)
    means = (means if bgr else means[:, ::-1]) - means.mean(axis=1, keepdims=True)
    balance = np.array([[-12.0], [0.0], [12.0]])
    # For features of 0 to 1, which these pictures have 0.31 of in the mean.
    weights = np.tile(means / 127 * 12 / squares, (1, squares)) + balance / (3 * squares)
    weights /= 255 * gain
    bias = -offset * weights.sum(axis=1) - 0.31 * balance[:, 0]
    return weights.astype(np.float32), bias.astype(np.float32)


def float_classifier(normalization: tuple[float, float], bgr: bool = False, softmax: bool = True) -> bytes:
    """float32 pictures of 32 pixels to three probabilities or logits."""
    graph, flat = Graph(), (1, POOLED * POOLED * 3)
    weights, bias = color_head(*normalization, bgr)
    picture = graph.tensor((1, SIDE, SIDE, 3), FLOAT32)
    pooled = graph.pool(picture, graph.tensor((1, POOLED, POOLED, 3), FLOAT32), SIDE // POOLED)
    features = graph.reshape(pooled, graph.tensor(flat, FLOAT32), flat)
    constants = [graph.tensor(values.shape, FLOAT32, data=values) for values in (weights, bias)]
    logits = graph.connect(features, constants[0], constants[1], graph.tensor((1, 3), FLOAT32), version=1)
    return graph.build(picture, graph.softmax(logits, graph.tensor((1, 3), FLOAT32)) if softmax else logits)


def float_features(normalization: tuple[float, float] | None = None) -> bytes:
    """float32 pictures of 32 pixels to features: the mean colours of 16 squares, [1, 48]; or with a normalization,
    gain and offset, 3 that tell nothing of pixels in another range.
    """
    graph, flat = Graph(), (1, POOLED * POOLED * 3)
    picture = graph.tensor((1, SIDE, SIDE, 3), FLOAT32)
    pooled = graph.pool(picture, graph.tensor((1, POOLED, POOLED, 3), FLOAT32), SIDE // POOLED)
    features = graph.reshape(pooled, graph.tensor(flat, FLOAT32), flat)
    if normalization is None:
        return graph.build(picture, features)
    weights, bias = color_head(*normalization)
    constants = [graph.tensor(values.shape, FLOAT32, data=values) for values in (4 * weights, 4 * bias)]
    logits = graph.connect(features, constants[0], constants[1], graph.tensor((1, 3), FLOAT32), version=1)
    saturated = graph.softmax(logits, graph.tensor((1, 3), FLOAT32))
    # So that it does not end as a classifier does.
    return graph.build(picture, graph.reshape(saturated, graph.tensor((1, 3), FLOAT32), (1, 3)))


def quantized_classifier(dtype: int, broken: bool = False) -> bytes:
    """uint8 or int8 pictures that stand for -1 to 1, to three probabilities of the same type in steps of 1/256."""
    graph, flat, low = Graph(), (1, POOLED * POOLED * 3), -128
    scale = 2 / 255
    weights, bias = color_head(1 / 127.5, -1.0)
    if broken:
        weights, bias = np.roll(weights, 1, axis=0), np.roll(bias, 1)
    picture = graph.tensor((1, SIDE, SIDE, 3), dtype, scale, 0 if dtype == INT8 else 128)
    signed = picture
    if dtype == UINT8:
        signed = graph.call(QUANTIZE, (picture,), graph.tensor((1, SIDE, SIDE, 3), INT8, scale, 0), version=2)
    pooled = graph.pool(signed, graph.tensor((1, POOLED, POOLED, 3), INT8, scale, 0), SIDE // POOLED)
    features = graph.reshape(pooled, graph.tensor(flat, INT8, scale, 0), flat)
    step = float(np.abs(weights).max()) / 127
    constants = (
        graph.tensor(weights.shape, INT8, step, 0, np.rint(weights / step).astype(np.int8)),
        graph.tensor(bias.shape, INT32, step * scale, 0, np.rint(bias / step / scale).astype(np.int32)),
    )
    logits = graph.connect(features, *constants, graph.tensor((1, 3), INT8, 24 / 255, 0))
    result = graph.softmax(logits, graph.tensor((1, 3), INT8, 1 / 256, low))
    if dtype == UINT8:
        result = graph.call(QUANTIZE, (result,), graph.tensor((1, 3), UINT8, 1 / 256, 0), version=2)
    return graph.build(picture, result)


def regression() -> bytes:
    """A network of one value, which is no class."""
    graph = Graph()
    picture = graph.tensor((1, 2, 2, 3), FLOAT32)
    features = graph.reshape(picture, graph.tensor((1, 12), FLOAT32), (1, 12))
    weights = graph.tensor((1, 12), FLOAT32, data=np.ones((1, 12), np.float32))
    bias = graph.tensor((1,), FLOAT32, data=np.zeros(1, np.float32))
    return graph.build(picture, graph.connect(features, weights, bias, graph.tensor((1, 1), FLOAT32)))
