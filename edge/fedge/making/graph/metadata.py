"""TFLite metadata: what other tools read of a network's input, its output and its labels.

Field numbers are those of `metadata_schema.fbs` of tflite-support.
"""

from dataclasses import dataclass

from fedge.images.preprocess import Recipe
from fedge.making.graph.extension import Extension
from fedge.making.graph.flatbuffer_tables import Number, Table, Tables, Vector, serialize

IDENTIFIER, PARSER_VERSION = b"M001", "1.0.0"
IMAGE, OUTPUT, SCORES = "image", "logits", "scores"
_RGB, _GRAYSCALE = 1, 2
_FEATURE, _PICTURE, _NORMALIZATION, _TENSOR_AXIS_LABELS = 1, 2, 1, 2


@dataclass(frozen=True)
class Described:
    """What the metadata say.

    Attributes:
        name: the model's.
        output: the output tensor's name.
        meaning: what the output is, in words.
        limits: the least and the largest value of the output; None: it has none.
        labels: the file behind the network that holds the classes, one a line.
        gray: whether the input has one channel.
    """

    name: str
    output: str
    meaning: str
    labels: str
    gray: bool = False
    limits: tuple[float, float] | None = None


def metadata(described: Described) -> bytes:
    """The metadata's flatbuffer, for a network that takes raw pixels, uint8 of 0..255, and means them as 0..1."""
    color = _GRAYSCALE if described.gray else _RGB
    normalization = Table({0: Vector.of("f", (0.0,)), 1: Vector.of("f", (255.0,))})
    picture = Table(
        {
            0: Vector.of_text(IMAGE),
            1: Vector.of_text("The picture to classify."),
            3: _content(_PICTURE, Table({0: Number("b", color)})),
            4: Tables((Table({0: Number("B", _NORMALIZATION), 1: normalization}),)),
            5: _limits(0.0, 255.0),
        }
    )
    file = Table(
        {
            0: Vector.of_text(described.labels),
            1: Vector.of_text("The classes, in output order."),
            2: Number("b", _TENSOR_AXIS_LABELS),
        }
    )
    output: dict[int, Number | Vector | Table | Tables] = {
        0: Vector.of_text(described.output),
        1: Vector.of_text(described.meaning),
        3: _content(_FEATURE, Table({})),
        6: Tables((file,)),
    }
    if described.limits is not None:
        output[5] = _limits(*described.limits)
    graph = Table({0: Vector.of_text("main"), 2: Tables((picture,)), 3: Tables((Table(output),))})
    root = Table(
        {
            0: Vector.of_text(described.name),
            1: Vector.of_text("An image classifier made with fedge."),
            3: Tables((graph,)),
            7: Vector.of_text(PARSER_VERSION),
        }
    )
    return serialize(root, IDENTIFIER)


def with_metadata(flatbuffer: bytes, name: str, recipe: Recipe, labels: str) -> bytes:
    """The same network with TFLite metadata, its input named `image` and its output `logits`.

    Args:
        flatbuffer: a network with a uint8 input of scale 1/255 and int8 logits.
        name: the model's.
        recipe: its preprocessing.
        labels: the name of the file behind it that holds the classes.
    """
    network = Extension(flatbuffer)
    network.rename(network.input, IMAGE)
    network.rename(network.output, OUTPUT)
    described = Described(
        name, OUTPUT, "A logit for each class; softmax gives the scores.", labels, gray=recipe.channels == 1
    )
    return network.finish(network.input, network.output, metadata(described))


def _content(kind: int, properties: Table) -> Table:
    return Table({0: Number("B", kind), 1: properties})


def _limits(least: float, most: float) -> Table:
    return Table({0: Vector.of("f", (most,)), 1: Vector.of("f", (least,))})
