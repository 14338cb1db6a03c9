"""The network that a training begins with."""

import tf_keras as keras

from fedge_train.networks.architectures import build
from fedge_train.networks.imagenet import BACKBONES, set_imagenet_weights
from fedge_train.networks.layer_names import Shape


def start_network(architecture: str, shape: Shape, classes: int, seed: int) -> keras.Model:
    """A network with its ImageNet weights, where there are such, or else with random weights drawn by `seed`.

    It is built in the global policy's dtype. Raises FedgeError.
    """
    keras.utils.set_random_seed(seed)
    model = build(architecture, shape, classes)
    if architecture in BACKBONES:
        set_imagenet_weights(model)
    return model
