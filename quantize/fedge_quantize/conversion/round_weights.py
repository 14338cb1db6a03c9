"""Rounding weights to int8 so that a layer's outputs change least, and not each weight alone.

Each weight that is rounded leaves an error. The layer's weights that are still to be rounded make up for it, as far
as their inputs are correlated on the calibration pictures; what remains of its mean is added to the bias. In a network
of depth-wise and 1x1 convolutions rounding is the larger part of what int8 loses.

Source: Frantar et al., "GPTQ", 2022; the bias as in Nagel et al., "Data-Free Quantization", 2019.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tf_keras import Model, layers
from threadpoolctl import threadpool_limits

Floats = NDArray[np.float64]

# What is added to each input's variance, as a share of the mean: a few pictures do not determine all covariances.
DAMPING = 0.01
PICTURES = 128
LEVELS = 127
_BATCH_PIXELS = 2**18
# So many inputs are rounded before all that are left make up for them at once, as one product of matrices.
_BLOCK = 32
# Neighbouring places of a picture are alike: so many of each side are enough, fewer for a depth-wise layer.
PLACES, DEPTHWISE_PLACES = 28, 7


def round_weights(folded: Model, calibration: NDArray[np.uint8]) -> Model:
    """Sets the weights of a folded network to values that int8 has, and gives the network.

    Args:
        folded: float32 input in 0..1; no batch normalization.
        calibration: uint8 [n, height, width, channels], training pictures.
    """
    with_weights = layers.Conv2D | layers.DepthwiseConv2D | layers.Dense
    rounded = [layer for layer in folded.layers if isinstance(layer, with_weights)]
    for layer, (mean, covariance) in zip(rounded, _statistics(folded, rounded, calibration), strict=True):
        kernel, bias = _matrix(layer), layer.get_weights()[1:]
        # Matrices of this size are inverted by one thread ten times as fast as by two that wait for each other.
        with threadpool_limits(1, user_api="blas"):
            on_grid = nearest_on_grid(kernel, covariance)
        error = np.einsum("bio,bi->bo", kernel - on_grid, mean).reshape(-1)
        layer.set_weights([_kernel(layer, on_grid), *(b + error for b in bias)])
    return folded


def nearest_on_grid(kernel: Floats, covariance: Floats) -> Floats:
    """The weights on the grid of int8 that change the outputs least.

    Args:
        kernel: [groups, inputs, outputs]; each output has a grid of its own, 127 steps from 0 to its largest weight.
        covariance: of the inputs, [groups, inputs, inputs].
    """
    variance = np.einsum("bii->bi", covariance)
    damped = covariance + np.eye(kernel.shape[1]) * (DAMPING * variance.mean(1) + 1e-12)[:, np.newaxis, np.newaxis]
    # The inputs that count most are rounded first, while all others can still make up for it.
    order = np.argsort(-variance, axis=1)
    weights = np.take_along_axis(kernel, order[:, :, np.newaxis], 1)
    damped = np.take_along_axis(np.take_along_axis(damped, order[:, :, np.newaxis], 1), order[:, np.newaxis, :], 2)
    factor = np.linalg.cholesky(np.linalg.inv(damped)).swapaxes(1, 2)
    largest = np.abs(weights).argmax(1)[:, np.newaxis, :]
    scale = np.maximum(np.abs(weights).max(1), 1e-12) / LEVELS
    sign = np.sign(np.take_along_axis(weights, largest, 1))[:, 0]
    on_grid, errors = np.empty_like(weights), np.empty_like(weights)
    inputs = weights.shape[1]
    for start in range(0, inputs, _BLOCK):
        end = min(start + _BLOCK, inputs)
        for i in range(start, end):
            level = np.clip(np.rint(weights[:, i] / scale), -LEVELS, LEVELS)
            # The converter takes the scale from the largest weight, which has to stay the largest.
            on_grid[:, i] = np.where(largest[:, 0] == i, sign * LEVELS, level) * scale
            errors[:, i] = (weights[:, i] - on_grid[:, i]) / factor[:, i, i, np.newaxis]
            weights[:, i:end] -= factor[:, i, i:end, np.newaxis] * errors[:, i, np.newaxis]
        weights[:, end:] -= factor[:, start:end, end:].swapaxes(1, 2) @ errors[:, start:end]
    result = np.empty_like(on_grid)
    np.put_along_axis(result, order[:, :, np.newaxis], on_grid, 1)
    return result


def _statistics(
    folded: Model, rounded: list[layers.Layer], calibration: NDArray[np.uint8]
) -> Iterator[tuple[Floats, Floats]]:
    """Of each layer the mean, [groups, inputs], and the covariance, [groups, inputs, inputs], of what it multiplies."""
    watched = Model(folded.inputs, [layer.input for layer in rounded])
    height, width = folded.input_shape[1:3]
    size = max(1, _BATCH_PIXELS // (height * width))

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def sums(pictures: tf.Tensor) -> list[tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
        inputs = tf.nest.flatten(watched(tf.cast(pictures, tf.float32) / 255, training=False))
        return [_sums(layer, x) for layer, x in zip(rounded, inputs, strict=True)]

    totals: list[list[Floats]] = []
    for start in range(0, min(PICTURES, len(calibration)), size):
        found = [[np.asarray(part, np.float64) for part in parts] for parts in sums(calibration[start : start + size])]
        totals = (
            [[a + b for a, b in zip(*pair, strict=True)] for pair in zip(totals, found, strict=True)]
            if totals
            else found
        )
    for count, total, products in totals:
        mean = total / count
        yield mean, products / count - mean[:, :, np.newaxis] * mean[:, np.newaxis, :]


def _sums(layer: layers.Layer, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """How many vectors a layer multiplies, their sum and the sum of their outer products."""
    channels = x.shape[-1]
    if isinstance(layer, layers.Dense):
        vectors = tf.reshape(x, (1, -1, channels))
    else:
        (h, w), (down, right) = layer.kernel_size, layer.strides
        most = DEPTHWISE_PLACES if isinstance(layer, layers.DepthwiseConv2D) else PLACES
        every = max(1, x.shape[1] // down // most)
        steps = (1, down * every, right * every, 1)
        patches = tf.image.extract_patches(x, (1, h, w, 1), steps, (1, 1, 1, 1), layer.padding.upper())
        if isinstance(layer, layers.DepthwiseConv2D):
            vectors = tf.transpose(tf.reshape(patches, (-1, h * w, channels)), (2, 0, 1))
        else:
            vectors = tf.reshape(patches, (1, -1, h * w * channels))
    count = tf.cast(tf.shape(vectors)[1], tf.float32)
    return count, tf.reduce_sum(vectors, 1), tf.matmul(vectors, vectors, transpose_a=True)


def _matrix(layer: layers.Layer) -> Floats:
    kernel = np.asarray(layer.get_weights()[0], np.float64)
    if isinstance(layer, layers.DepthwiseConv2D):
        return kernel.reshape(-1, kernel.shape[2]).T[:, :, np.newaxis]
    return kernel.reshape(1, -1, kernel.shape[-1])


def _kernel(layer: layers.Layer, matrix: Floats) -> NDArray[Any]:
    shape = layer.get_weights()[0].shape
    return (matrix[:, :, 0].T if isinstance(layer, layers.DepthwiseConv2D) else matrix[0]).reshape(shape)
