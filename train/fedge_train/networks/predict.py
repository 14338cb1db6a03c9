"""A float network's answers to pictures."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tf_keras import Model

# At most so many pictures at once, and so many pixels: a network for photographs has about a hundred activations a
# pixel.
BATCH, BATCH_PIXELS = 500, 2**21

Predictor = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def to_input(images: tf.Tensor) -> tf.Tensor:
    """uint8 pictures to the network's float32 input in 0..1, as the int8 model's input scale 1/255 reads them."""
    return tf.cast(images, tf.float32) / 255.0


def predictor(model: Model) -> Predictor:
    """A function from preprocessed pictures, uint8 [n, height, width, channels], to float32 logits [n, classes].

    It follows later changes of the model's weights.
    """
    height, width = model.input_shape[1:3]
    size = min(BATCH, max(1, BATCH_PIXELS // (height * width)))
    signature = tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8)
    forward = tf.function(lambda batch: model(to_input(batch), training=False), input_signature=[signature])

    def predict(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        parts = [forward(images[start : start + size]).numpy() for start in range(0, len(images), size)]
        return np.concatenate(parts).astype(np.float32)

    return predict


def weights_of(model: Model) -> list[np.ndarray[Any, Any]]:
    """A copy of all of a model's weights, in Keras's order."""
    return [np.array(weight) for weight in model.get_weights()]
