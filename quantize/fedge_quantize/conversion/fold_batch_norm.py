"""Folding batch normalization into the convolution before it: the same function with fewer layers."""

from typing import Any

import numpy as np
from tf_keras import Model, layers

from fedge_train.networks.architectures import build
from fedge_train.networks.layer_names import NORM, SECOND, SKIP


def fold(model: Model) -> Model:
    """The network as it runs on the device: without batch normalization, each convolution with a bias instead.

    Gives the logits of `model` in inference, up to float32 rounding.
    """
    classes = int(model.output_shape[-1])
    folded = build(model.name, tuple(model.input_shape[1:]), classes, norm=False)
    norms = {layer.name: layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)}
    sources = [layer for layer in model.layers if layer.weights and layer.name not in norms]
    targets = [layer for layer in folded.layers if layer.weights]
    weights = {source.name: _folded_weights(source, norms.get(source.name + NORM)) for source in sources}
    for name in weights:
        if name.endswith(SKIP):
            weights[name.removesuffix(SKIP) + SECOND][1] += weights[name][1]
    for source, target in zip(sources, targets, strict=True):
        target.set_weights(weights[source.name][: len(target.weights)])
    return folded


def _folded_weights(layer: layers.Layer, norm: layers.BatchNormalization | None) -> list["np.ndarray[Any, Any]"]:
    weights: list[np.ndarray[Any, Any]] = layer.get_weights()
    if norm is None:
        return weights
    gamma, beta, mean, variance = norm.get_weights()
    gain = gamma / np.sqrt(variance + norm.epsilon)
    # A depth-wise kernel has its channels on the axis before the last.
    along = gain[:, np.newaxis] if isinstance(layer, layers.DepthwiseConv2D) else gain
    return [weights[0] * along, beta - mean * gain]
