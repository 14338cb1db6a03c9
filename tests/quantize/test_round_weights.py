"""Rounding weights so that outputs change least."""

import numpy as np
import pytest
import tf_keras as keras

from fedge_quantize.conversion.round_weights import LEVELS, nearest_on_grid, round_weights
from fedge_train.networks.predict import predictor


def correlated(groups: int, inputs: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(groups, 400, inputs // 2)) @ generator.normal(size=(groups, inputs // 2, inputs))
    vectors += 0.1 * generator.normal(size=vectors.shape)
    return vectors.swapaxes(1, 2) @ vectors / 400


@pytest.mark.parametrize(("groups", "inputs", "outputs"), [(1, 48, 8), (12, 9, 1)])
def test_outputs_change_less_than_by_rounding_each_weight_alone(groups: int, inputs: int, outputs: int) -> None:
    kernel = np.random.default_rng(0).normal(size=(groups, inputs, outputs))
    covariance = correlated(groups, inputs, seed=1)
    scale = np.abs(kernel).max(1, keepdims=True) / LEVELS

    def change(rounded: np.ndarray) -> float:
        error = kernel - rounded
        return float(np.einsum("bio,bij,bjo->", error, covariance, error))

    found = nearest_on_grid(kernel, covariance)
    assert change(found) < 0.7 * change(np.rint(kernel / scale) * scale)
    levels = found / scale
    assert np.allclose(levels, np.rint(levels), atol=1e-6) and np.abs(levels).max() <= LEVELS + 1e-6
    # The converter takes the scale from the largest weight.
    assert np.allclose(np.abs(found).max(1), np.abs(kernel).max(1))


def test_a_network_keeps_its_function() -> None:
    keras.utils.set_random_seed(0)
    kl = keras.layers
    network = keras.Sequential(
        [
            kl.Input((12, 12, 3)),
            kl.Conv2D(8, 3, 2, padding="same", activation="relu"),
            kl.DepthwiseConv2D(3, padding="same", activation="relu"),
            kl.GlobalAveragePooling2D(),
            kl.Dense(4),
        ]
    )
    pictures = np.random.default_rng(0).integers(0, 256, (40, 12, 12, 3), dtype=np.uint8)
    before = predictor(network)(pictures)
    after = predictor(round_weights(network, pictures))(pictures)
    # Weights of 8 bits, three layers deep: a hundredth of the range.
    assert 0 < np.abs(after - before).max() < 0.02 * np.ptp(before)
