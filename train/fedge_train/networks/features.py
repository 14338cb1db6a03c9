"""Features, the input of a network's last layer: computed once, any number of heads can be fitted to them."""

import numpy as np
from numpy.typing import NDArray
from tf_keras import Model

from fedge_train.networks.layer_names import LOGITS
from fedge_train.networks.predict import Predictor, predictor


def feature_extractor(model: Model) -> Predictor:
    """A function from preprocessed pictures, uint8 [n, height, width, 3], to float32 features, [n, features].

    The features are the input of the layer `logits`. The function follows later changes of the model's weights.
    """
    return predictor(Model(model.inputs, model.get_layer(LOGITS).input))


def set_head(model: Model, weights: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
    """Sets the logits to a linear function of the features: weights [features, classes], bias [classes]."""
    model.get_layer(LOGITS).set_weights([weights, bias])
