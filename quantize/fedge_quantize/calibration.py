"""Choosing the pictures that ranges are read from, and fitting confidence on held-out pictures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from fedge.arithmetic import softmax
from fedge.data.dataset import Split, stratified_sample
from fedge.files import sha256
from fedge.manifest import Confidence
from fedge.metrics import equal_weights, expected_calibration_error, hits
from fedge.rejection import certainty, fit_reject_below

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


def fit_confidence(
    logits: NDArray[np.float64], right: NDArray[np.bool_], sources: NDArray[np.int64], unknown: float | None
) -> Confidence:
    """Fits the temperature that makes held-out pictures most likely, and the scores below which answers are refused.

    Each source of pictures counts alike: a few photographs are not outvoted by thousands of easier pictures.

    Args:
        logits: the int8 model's dequantized logits on held-out pictures, [n, classes].
        right: the right classes, bool [n, classes].
        sources: where each picture came from, int64 [n].
        unknown: the logit of "none of these", where the network learned from pictures of nothing known as well.
    """
    weights = equal_weights(sources)

    def negative_log_likelihood(log_temperature: float) -> float:
        likelihood = (softmax(logits, float(np.exp(log_temperature)), unknown) * right).sum(axis=1)
        return float(-np.average(np.log(np.maximum(likelihood, 1e-12)), weights=weights))

    found = minimize_scalar(negative_log_likelihood, bounds=_LOG_TEMPERATURE_RANGE, method="bounded")
    temperature = float(np.exp(found.x))
    probabilities = softmax(logits, temperature, unknown)
    best = probabilities.argmax(axis=1)
    found = hits(right, best)
    truth = np.where(found, best, right.argmax(axis=1))
    return Confidence(
        temperature,
        fit_reject_below(certainty(probabilities[found]), equal_weights(sources[found])),
        expected_calibration_error(probabilities, truth, weights),
        unknown,
    )
