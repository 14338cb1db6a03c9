"""A float network's answers to pictures."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tf_keras import Model

from fedge.data.decoded.array import Images

# At most so many pictures at once, and so many pixels: a network for photographs has about a hundred activations a
# pixel.
BATCH, BATCH_PIXELS = 500, 2**21

Predictor = Callable[[Images], NDArray[np.float32]]


def to_input(images: tf.Tensor) -> tf.Tensor:
    """uint8 pictures to the network's float32 input in 0..1, as the int8 model's input scale 1/255 reads them."""
    return tf.cast(images, tf.float32) / 255.0


def predictor(model: Model) -> Predictor:
    """A function from preprocessed pictures, uint8 [n, height, width, channels], to float32 logits [n, classes].

    It follows later changes of the model's weights.
    """
    signature = tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8)
    forward = tf.function(lambda batch: model(to_input(batch), training=False), input_signature=[signature])

    def predict(images: Images) -> NDArray[np.float32]:
        answers = np.empty((len(images), *model.output_shape[1:]), dtype=np.float32)
        for place, pictures in in_batches(images):
            answers[place] = forward(pictures).numpy()
        return answers

    return predict


def in_batches(images: Images) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
    """As many of the pictures as a network answers to at once, in order, and where they stand among all."""
    _, height, width, _ = images.shape
    size = min(BATCH, max(1, BATCH_PIXELS // (height * width)))
    for start in range(0, len(images), size):
        place = slice(start, start + size)
        yield place, images[place]


def weights_of(model: Model) -> list[np.ndarray[Any, Any]]:
    """A copy of all of a model's weights, in Keras's order."""
    return [np.array(weight) for weight in model.get_weights()]
