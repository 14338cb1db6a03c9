"""Folding batch normalization into the convolution before it: the same function with fewer layers."""

from typing import Any

import numpy as np
from tf_keras import Model, layers

from fedge_train.architectures import build


def fold(model: Model) -> Model:
    """The network as it runs on the device: without batch normalization, each convolution with a bias instead.

    Gives the logits of `model` in inference, up to float32 rounding.
    """
    classes = int(model.output_shape[-1])
    folded = build(model.name, tuple(model.input_shape[1:]), classes, norm=False)
    norms = {layer.name: layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)}
    sources = [layer for layer in model.layers if layer.weights and layer.name not in norms]
    targets = [layer for layer in folded.layers if layer.weights]
    for source, target in zip(sources, targets, strict=True):
        weights = source.get_weights()
        norm = norms.get(f"{source.name}_norm")
        target.set_weights(_folded_weights(weights[0], norm) if norm else weights)
    return folded


def _folded_weights(kernel: "np.ndarray[Any, Any]", norm: layers.BatchNormalization) -> list["np.ndarray[Any, Any]"]:
    gamma, beta, mean, variance = norm.get_weights()
    gain = gamma / np.sqrt(variance + norm.epsilon)
    return [kernel * gain, beta - mean * gain]
