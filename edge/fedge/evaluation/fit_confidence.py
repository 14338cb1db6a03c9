"""Fitting the temperature, and the scores below which answers are refused, to pictures that were not learned."""

import numpy as np
from numpy.typing import NDArray

from fedge.data.dataset import hits
from fedge.evaluation.metrics import balanced_sample_weights, expected_calibration_error
from fedge.evaluation.selective import fit_reject_below
from fedge.model.confidence import Confidence, certainty, softmax

_LOG_TEMPERATURE_RANGE = (np.log(0.05), np.log(20.0))


def fit_confidence(
    logits: NDArray[np.float64], right: NDArray[np.bool_], sources: NDArray[np.int64], unknown: float | None
) -> Confidence:
    """Fits the temperature to held-out pictures, and the scores below which answers are refused.

    The temperature is the one at which the score says best how probably the answer given is right (Gupta and Ramdas,
    "Top-label calibration", 2022); a shoe of which three classes are right is no reason for doubt. Each source of
    pictures counts alike: a few photographs are not outvoted by thousands of easier pictures. As many right answers as
    there are never show that all others will be: they count as right by (n + 1) / (n + 2) (Platt, 1999), wrong ones
    likewise. Without any picture the temperature is 1, and nothing is refused.

    Args:
        logits: the int8 model's dequantized logits on held-out pictures, [n, classes].
        right: the right classes, bool [n, classes].
        sources: where each picture came from, int64 [n].
        unknown: the logit of "none of these", where the network learned from pictures of nothing known as well.
    """
    from scipy.optimize import minimize_scalar

    if not len(logits):
        return Confidence(unknown=unknown)
    weights = balanced_sample_weights(sources)
    best = logits.argmax(axis=1)
    found = hits(right, best)
    shown = np.where(found, (found.sum() + 1) / (found.sum() + 2), 1 / ((~found).sum() + 2))

    def negative_log_likelihood(log_temperature: float) -> float:
        score = certainty(softmax(logits, float(np.exp(log_temperature)), unknown))
        likelihoods = shown * np.log(np.maximum(score, 1e-12)) + (1 - shown) * np.log(np.maximum(1 - score, 1e-12))
        return float(-np.average(likelihoods, weights=weights))

    fitted = minimize_scalar(negative_log_likelihood, bounds=_LOG_TEMPERATURE_RANGE, method="bounded")
    temperature = float(np.exp(fitted.x))
    probabilities = softmax(logits, temperature, unknown)
    truth = np.where(found, best, right.argmax(axis=1))
    return Confidence(
        temperature,
        fit_reject_below(certainty(probabilities[found]), balanced_sample_weights(sources[found])),
        expected_calibration_error(probabilities, truth, weights),
        unknown,
    )
