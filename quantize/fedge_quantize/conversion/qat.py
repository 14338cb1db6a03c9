"""Quantization-aware training: the network learns on with the rounding of int8 in its forward pass."""

import dataclasses
from pathlib import Path

import numpy as np
import tensorflow_model_optimization as tfmot
import tf_keras as keras
from numpy.typing import NDArray
from tf_keras import Model

from fedge.data.dataset import Split
from fedge_train.training.batches import BatchLoader
from fedge_train.training.loop import Callbacks, fit

LEARNING_RATE = {"sgd": 0.001, "adam": 1e-4}
_RANGE_BATCH = 50


def quantization_aware(
    folded: Model,
    loader: BatchLoader,
    held_out: Split,
    calibration: NDArray[np.uint8],
    seed: int,
    epochs: int,
    scratch: Path,
    callbacks: Callbacks,
) -> Model:
    """Trains a folded network on with fake quantization and gives the best epoch's network, by held-out accuracy,
    or after a last fit the last epoch's.

    The loss and the changes to pictures are the training's own; batch normalization is already folded, so its
    statistics cannot drift. `scratch` takes the checkpoints.
    """
    keras.utils.set_random_seed(seed)
    model = tfmot.quantization.keras.quantize_model(folded)
    set_ranges(model, folded, calibration)
    fine = dataclasses.replace(
        loader.plan,
        epochs=epochs,
        learning_rate=LEARNING_RATE[loader.plan.optimizer],
        warmup_epochs=0.0,
        weight_decay=0.0,
        skip=0.0,
        patience=0,
        # What has learned the held-out pictures is not chosen by them.
        stop=epochs if loader.plan.stop else 0,
    )
    best, _ = fit(model, dataclasses.replace(loader, plan=fine), held_out, seed, scratch, callbacks)
    model.set_weights(best.weights)
    return model


def set_ranges(model: Model, folded: Model, calibration: NDArray[np.uint8]) -> None:
    """Sets each activation's range to what the float network shows on the calibration pictures.

    tfmot starts every range at -6..6 and moves it by a thousandth a step: too slow for a few epochs.
    """
    ranges = _float_ranges(folded, calibration)
    for layer in model.layers:
        name = layer.name.removeprefix("quant_")
        for variable in layer.weights:
            kind = variable.name.split("/")[-1].split(":")[0]
            if name in ranges and kind in ("output_min", "post_activation_min"):
                variable.assign(ranges[name][0])
            if name in ranges and kind in ("output_max", "post_activation_max"):
                variable.assign(ranges[name][1])
    # The input's range only ever grows, and pictures stay within the contract's 0..1.
    _set_input_range(model)


def _float_ranges(folded: Model, calibration: NDArray[np.uint8]) -> dict[str, tuple[float, float]]:
    """By layer, the mean over small batches of the least and the largest output, with 0 always inside."""
    layers = [layer for layer in folded.layers if not isinstance(layer, keras.layers.InputLayer)]
    watched = Model(folded.inputs, [layer.output for layer in layers])
    extremes = []
    for start in range(0, len(calibration), _RANGE_BATCH):
        outputs = watched(calibration[start : start + _RANGE_BATCH].astype(np.float32) / 255, training=False)
        extremes.append([(float(np.min(o)), float(np.max(o))) for o in outputs])
    means = np.mean(extremes, axis=0)
    return {
        layer.name: (min(0.0, float(low)), max(0.0, float(high)))
        for layer, (low, high) in zip(layers, means, strict=True)
    }


def _set_input_range(model: Model) -> None:
    for variable in model.layers[1].weights:
        if variable.name.endswith("quantize_layer_min:0"):
            variable.assign(0.0)
        elif variable.name.endswith("quantize_layer_max:0"):
            variable.assign(1.0)
