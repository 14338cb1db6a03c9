"""Networks as training leaves them, without a bias of zero: constants that are equal are joined by the converter."""

import numpy as np
import tf_keras as keras

from fedge_train.networks.architectures import build


def with_random_weights(architecture: str, shape: tuple[int, int, int], classes: int) -> keras.Model:
    """A network of random weights, among them those of the batch normalization and of the last layer."""
    keras.utils.set_random_seed(0)
    model = build(architecture, shape, classes)
    generator = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([generator.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    model.layers[-1].set_weights([generator.normal(0, 0.3, w.shape) for w in model.layers[-1].get_weights()])
    return model
