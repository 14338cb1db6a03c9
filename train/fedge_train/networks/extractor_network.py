"""A network of one's own features: a TFLite file, which stays as it is, and a linear layer behind it."""

import os

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tf_keras import Model, layers

from fedge.making.foreign.extractor import Extractor, ExtractorNetwork
from fedge_train.networks.layer_names import LOGITS


class FrozenFeatures(layers.Layer):
    """The features of an extractor, computed by the interpreter that devices use; it cannot be trained."""

    def __init__(self, extractor: Extractor) -> None:
        super().__init__(trainable=False, dtype="float32")
        self.extractor = extractor
        self._network = ExtractorNetwork(extractor, os.cpu_count() or 1)

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """float32 features, [n, features], of float32 pictures in 0..1, [n, height, width, 3]."""
        pictures = tf.cast(tf.round(images * 255.0), tf.uint8)
        features = tf.numpy_function(self._features, [pictures], tf.float32)
        features.set_shape((None, self.extractor.features))
        return features

    def _features(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        found = np.empty((len(pictures), self.extractor.features), dtype=np.float32)
        for row, picture in zip(found, pictures, strict=True):
            row[:] = self._network(picture)
        return found


def extractor_network(extractor: Extractor, classes: int) -> Model:
    """The network: float32 pictures in 0..1, [n, height, width, 3], to float32 logits, [n, classes]."""
    inputs = layers.Input(extractor.recipe.shape)
    features = FrozenFeatures(extractor)(inputs)
    return Model(inputs, layers.Dense(classes, dtype="float32", name=LOGITS)(features))


def extractor_of(model: Model) -> Extractor | None:
    """The extractor whose features a network rests on; None where it is another one."""
    return next((layer.extractor for layer in model.layers if isinstance(layer, FrozenFeatures)), None)


def parameters_of(model: Model) -> int:
    """How many weights and biases a network has, those of an extractor among them."""
    extractor = extractor_of(model)
    return int(model.count_params()) + (extractor.constants if extractor else 0)
