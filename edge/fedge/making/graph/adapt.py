"""A packed network as other tools take it: colour pictures of one size in, scores that sum to one out.

Field and operator numbers are those of TensorFlow's `schema.fbs`.
"""

import numpy as np

from fedge.images.preprocess import Recipe
from fedge.making.graph.extension import Call, Extension
from fedge.making.graph.flatbuffer_tables import Number, Table
from fedge.making.graph.metadata import IMAGE, SCORES, Described, metadata
from fedge.model.confidence import Confidence
from fedge.model.manifest import INPUT_SCALE

# What OpenCV makes gray of red, green and blue with: ITU-R BT.601.
_GRAY = (0.299, 0.587, 0.114)
_AVERAGE_POOL, _CONCATENATION, _CONV, _DEQUANTIZE, _RESIZE_BILINEAR, _SOFTMAX, _QUANTIZE = 1, 2, 3, 6, 23, 25, 114
_CONV_OPTIONS, _POOL_OPTIONS, _SOFTMAX_OPTIONS, _CONCATENATION_OPTIONS, _RESIZE_OPTIONS = 1, 5, 9, 10, 15
_VALID = 1


def adapt(
    flatbuffer: bytes, recipe: Recipe, confidence: Confidence, name: str, labels: str, size: tuple[int, int]
) -> bytes:
    """The network behind what makes its input of a colour picture, and before what makes scores of its logits.

    The input is uint8 [1, height, width, 3], red-green-blue; the output float32 [1, n], softmax(logits / temperature),
    of the classes, and where the network knows "none of these", of that as the last.

    Args:
        flatbuffer: a network of the packed kind: uint8 input of scale 1/255, int8 logits.
        recipe: its preprocessing, of which only size and colour are done within the network.
        confidence: its temperature, and the logit of "none of these".
        name: the model's.
        labels: the name of the file behind it that holds the classes.
        size: height and width of the pictures that it is to take.
    """
    network = Extension(flatbuffer)
    if (size, recipe.channels) == ((recipe.height, recipe.width), 3):
        network.rename(network.input, IMAGE)
        given = network.input
    else:
        given = _prepare(network, recipe, size)
    scores = _score(network, confidence)
    described = Described(name, SCORES, "The probability of each class.", labels, limits=(0.0, 1.0))
    return network.finish(given, scores, metadata(described))


def _prepare(network: Extension, recipe: Recipe, size: tuple[int, int]) -> int:
    given = network.add(IMAGE, (1, *size, 3), "uint8", INPUT_SCALE)
    now = network.add("image/real", (1, *size, 3), "float32")
    network.call(Call(_DEQUANTIZE), (given,), now, before=True)
    if size != (recipe.height, recipe.width):
        now = _resize(network, now, size, recipe)
    if recipe.channels == 1:
        gray = network.add("image/gray", (1, recipe.height, recipe.width, 1), "float32")
        weights = network.constant("image/gray/weights", np.array(_GRAY, np.float32).reshape(1, 1, 1, 3))
        bias = network.constant("image/gray/bias", np.zeros(1, np.float32))
        options = Table({0: Number("b", _VALID), 1: Number("i", 1), 2: Number("i", 1)})
        now = network.call(Call(_CONV, 1, _CONV_OPTIONS, options), (now, weights, bias), gray, before=True)
    network.call(Call(_QUANTIZE), (now,), network.input, before=True)
    return given


def _resize(network: Extension, now: int, size: tuple[int, int], recipe: Recipe) -> int:
    """Makes a picture smaller by the mean of whole blocks, as fedge does; where they are none, resizes it to them."""
    rows, columns = (-(-side // to) for side, to in zip(size, (recipe.height, recipe.width), strict=True))
    whole = recipe.height * rows, recipe.width * columns
    if whole != size:
        fitted = network.add("image/fitted", (1, *whole, 3), "float32")
        wanted = network.constant("image/size", np.array(whole, np.int32))
        # Half-pixel centres, as OpenCV has them.
        options = Table({3: Number("b", 1)})
        now = network.call(Call(_RESIZE_BILINEAR, 3, _RESIZE_OPTIONS, options), (now, wanted), fitted, before=True)
    if (rows, columns) == (1, 1):
        return now
    resized = network.add("image/resized", (1, recipe.height, recipe.width, 3), "float32")
    options = Table(
        {
            0: Number("b", _VALID),
            1: Number("i", columns),
            2: Number("i", rows),
            3: Number("i", columns),
            4: Number("i", rows),
        }
    )
    return network.call(Call(_AVERAGE_POOL, 1, _POOL_OPTIONS, options), (now,), resized, before=True)


def _score(network: Extension, confidence: Confidence) -> int:
    classes = network.facts(network.output).shape[-1]
    now = network.add("logits", (1, classes), "float32")
    network.call(Call(_DEQUANTIZE, 2), (network.output,), now)
    if confidence.unknown is not None:
        unknown = network.constant("logits/none", np.array([[confidence.unknown]], np.float32))
        classes += 1
        every = network.add("logits/all", (1, classes), "float32")
        options = Table({0: Number("i", 1)})
        now = network.call(Call(_CONCATENATION, 1, _CONCATENATION_OPTIONS, options), (now, unknown), every)
    scores = network.add(SCORES, (1, classes), "float32")
    options = Table({0: Number("f", 1 / confidence.temperature)})
    return network.call(Call(_SOFTMAX, 1, _SOFTMAX_OPTIONS, options), (now,), scores)
