"""Choosing the pictures that ranges are read from, and fitting confidence on held-out pictures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from fedge.arithmetic import softmax
from fedge.data.dataset import Split, stratified_sample
from fedge.files import sha256
from fedge.manifest import Confidence
from fedge.metrics import expected_calibration_error

PICTURES = 500
_LOG_TEMPERATURE_RANGE = (np.log(0.05), np.log(20.0))


@dataclass(frozen=True)
class CalibrationSet:
    """Training pictures, stratified and seeded: uint8 [n, height, width, channels], and the SHA-256 of their bytes."""

    images: NDArray[np.uint8]
    sha256: str


def calibration_set(train: Split, seed: int) -> CalibrationSet:
    """Chooses the calibration pictures from the training split, never from another."""
    images = train.images[stratified_sample(train.labels, min(PICTURES, len(train)), seed)].copy()
    # The input's scale is 1/255 by contract, so black and white must both be seen: two pixels of 500 pictures.
    images[0, 0, 0], images[0, 0, 1] = 0, 255
    return CalibrationSet(images, sha256(images.tobytes()))


def fit_confidence(logits: NDArray[np.float64], right: NDArray[np.bool_]) -> Confidence:
    """Fits the temperature that makes held-out pictures most likely.

    Args:
        logits: the int8 model's dequantized logits, [n, classes].
        right: the right classes, bool [n, classes].
    """

    def negative_log_likelihood(log_temperature: float) -> float:
        probabilities = softmax(logits, float(np.exp(log_temperature)))
        return float(-np.mean(np.log(np.maximum((probabilities * right).sum(axis=1), 1e-12))))

    found = minimize_scalar(negative_log_likelihood, bounds=_LOG_TEMPERATURE_RANGE, method="bounded")
    temperature = float(np.exp(found.x))
    best = logits.argmax(axis=1)
    truth = np.where(right[np.arange(len(right)), best], best, right.argmax(axis=1))
    return Confidence(temperature, ece=expected_calibration_error(softmax(logits, temperature), truth))
