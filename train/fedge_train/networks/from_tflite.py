"""Going on from a model file: its int8 weights as a float network that can be trained."""

import re

import numpy as np
from numpy.typing import NDArray
from tf_keras import Model, layers

from fedge.errors import FedgeError
from fedge.model.interpreter import Constant, constants
from fedge_train.networks.architectures import build
from fedge_train.networks.layer_names import NORM, SKIP, Shape

# The length that He's initialization gives each filter. Batch normalization makes the output independent of it, but the
# angle by which a step turns the filter depends on it, and the plans' learning rates suit this length.
_FILTER_NORM = np.sqrt(2.0)


def model_from_tflite(
    flatbuffer: bytes, architecture: str, shape: Shape, classes: int, pictures: NDArray[np.uint8], head: bool = True
) -> Model:
    """A network with batch normalization that answers as an int8 one of the same architecture, but for rounding.

    Args:
        flatbuffer: the network, as `fedge quantize` made it after training.
        architecture: its architecture, a residual one.
        shape: of the pictures that it is to be trained with; height and width may be others than its own.
        classes: of the new network.
        pictures: uint8, [n, height, width, channels], of the training pictures, for the statistics of batch
            normalization.
        head: whether the last layer's weights are taken too; False leaves them random.

    Raises:
        FedgeError: the weights cannot be read back, or do not fit the architecture.
    """
    model = build(architecture, shape, classes)
    found = constants(flatbuffer)
    norms = {layer.name: layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)}
    convolutions = [layer for layer in model.layers if isinstance(layer, layers.Conv2D)]
    if not norms:
        raise FedgeError(f"{architecture} cannot go on from a model file", "give the run that the model was made of")
    for layer in convolutions:
        kernel = _constant(found, architecture, layer.name, "Conv2D", 4).transpose(1, 2, 3, 0)
        # The skip convolution's bias was added to that of its block's second convolution.
        skips = layer.name.endswith(SKIP)
        bias = np.zeros(layer.filters) if skips else _constant(found, architecture, layer.name, "BiasAdd", 1)
        _set(layer, [kernel])
        norm = norms[layer.name + NORM]
        norm.set_weights([np.full_like(bias, np.sqrt(1 + norm.epsilon)), bias, np.zeros_like(bias), np.ones_like(bias)])
    last = model.layers[-1]
    if head:
        kernel = _constant(found, architecture, last.name, "MatMul", 2).T
        _set(last, [kernel, _constant(found, architecture, last.name, "BiasAdd", 1)])
    outputs = Model(model.inputs, [layer.output for layer in convolutions])(pictures.astype(np.float32) / 255)
    for layer, output in zip(convolutions, outputs, strict=True):
        _normalize(layer, norms[layer.name + NORM], np.asarray(output, dtype=np.float64))
    return model


def _normalize(layer: layers.Conv2D, norm: layers.BatchNormalization, output: NDArray[np.float64]) -> None:
    """Scales the filters to `_FILTER_NORM`, and sets the batch normalization behind them to the identity on `output`.

    `output`, [n, h, w, channels], is the convolution's before scaling; its mean and variance are the statistics.
    """
    (kernel,) = layer.get_weights()
    mean, variance = output.mean(axis=(0, 1, 2)), output.var(axis=(0, 1, 2))
    length = np.sqrt((kernel.astype(np.float64) ** 2).sum(axis=(0, 1, 2)))
    scale = _FILTER_NORM / length if length.all() else np.ones_like(length)
    layer.set_weights([kernel * scale])
    gamma = np.sqrt(variance * scale**2 + norm.epsilon) / scale
    norm.set_weights([gamma, mean + norm.get_weights()[1], mean * scale, variance * scale**2])


def _constant(
    found: dict[str, Constant], architecture: str, layer: str, operation: str, dimensions: int
) -> NDArray[np.float64]:
    # Where two tensors would have one name, the converter appends a number.
    wanted = re.compile(rf"(^|;){architecture}/{layer}/{operation}\d*(;|$)")
    values = [values for name, values in found.items() if values.ndim == dimensions and wanted.search(name)]
    if len(values) != 1:
        raise FedgeError(
            f"the model file has no weights for the layer {layer} of {architecture}",
            "give a model that was quantized after training, or the run that it was made of",
        )
    return values[0]


def _set(layer: layers.Layer, weights: list[NDArray[np.float64]]) -> None:
    try:
        layer.set_weights(weights)
    except ValueError as error:
        raise FedgeError(
            f"the model file's layer {layer.name} has weights of another shape",
            "give a model of the same architecture, colours and fedge version",
        ) from error
