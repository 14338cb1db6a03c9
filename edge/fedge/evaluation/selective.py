"""Selective classification: from an answer's score to whether it is given, with which coverage and accuracy.

The score is the probability of the likeliest class at the model's temperature (Hendrycks and Gimpel, 2017), or the
energy, which tells whether the picture has any of the classes (`fedge.model.confidence.Energy`). Where no object is in
the picture there is no answer in any mode.
"""

from dataclasses import dataclass, replace

import numpy as np

from fedge.model.confidence import Confidence, Energy, Flags, Floats, RejectBelow, answered, energy
from fedge.options import REJECT_MODES, RejectMode

# The share of the right answers on held-out pictures that each mode gives up.
NORMAL_LOSS, STRICT_LOSS = 0.02, 0.10
CURVE_POINTS = 20
# At a higher temperature more than the largest logit counts. On rubbish, 50 pictures of each class and each class in
# turn unknown: AUROC 0.690 at 1 and 2, 0.689 at 4, 0.687 at 8; the largest logit has 0.689, the probability 0.672.
ENERGY_TEMPERATURE = 2.0
# The share of the right answers on held-out pictures whose score is below 1/2.
LITTLE_ENERGY = 0.05
# Thresholds are rounded down to this, so that the answer that set one is still given after rounding.
_STEP = 1e-6


@dataclass(frozen=True)
class ModeFigures:
    """What is answered in one mode.

    Attributes:
        coverage: the share of the pictures that is answered, 0..1.
        answered, right: how many pictures are answered, and how many of these rightly.
        accuracy: `right` over `answered`; None where nothing is answered.
    """

    coverage: float
    answered: int
    right: int
    accuracy: float | None


@dataclass(frozen=True)
class CurvePoint:
    """A point of a risk-coverage curve: the error among the most certain share of the pictures; both 0..1."""

    coverage: float
    error: float


def fit_reject_below(right_scores: Floats, weights: Floats) -> RejectBelow:
    """The thresholds that give up no more than 2% (normal) and 10% (strict) of what was answered rightly.

    Args:
        right_scores: the scores of the right answers, [n]; with none, nothing is refused.
        weights: how much each of them counts, [n].
    """
    if not len(right_scores):
        return RejectBelow()
    return RejectBelow(*(_threshold(right_scores, weights, loss) for loss in (NORMAL_LOSS, STRICT_LOSS)))


def refuse_by_energy(confidence: Confidence, logits: Floats, right: Flags, weights: Floats) -> Confidence:
    """The same confidence with thresholds of the energy, fitted to held-out pictures.

    Args:
        confidence: fitted to the same pictures.
        logits: of held-out pictures, [n, classes].
        right: whether the likeliest class is a right one, [n]; without any the confidence stays as it is.
        weights: how much each picture counts, [n].
    """
    if not right.any():
        return confidence
    level = float(np.quantile(energy(logits[right], ENERGY_TEMPERATURE), LITTLE_ENERGY))
    by_energy = replace(confidence, energy=Energy(ENERGY_TEMPERATURE, level))
    return replace(by_energy, reject_below=fit_reject_below(by_energy.scores(logits[right]), weights[right]))


def by_mode(confidence: Confidence, scores: Floats, right: Flags, empty: Flags) -> dict[RejectMode, ModeFigures]:
    """What is answered in each mode.

    Args:
        confidence: the thresholds.
        scores: of each picture's likeliest class, [n].
        right: whether that class is right, [n].
        empty: whether no object was found in the picture, [n].
    """
    result = {}
    for mode in REJECT_MODES:
        given = answered(confidence, mode, scores, empty)
        count, hits = int(given.sum()), int(right[given].sum())
        result[mode] = ModeFigures(count / len(given), count, hits, hits / count if count else None)
    return result


def coverage_curve(scores: Floats, right: Flags) -> tuple[CurvePoint, ...]:
    """The risk-coverage curve in twenty steps from 5% to 100% coverage; scores [n], and whether each is right, [n]."""
    hits = right[np.argsort(-scores, kind="stable")]
    curve = []
    for point in range(1, CURVE_POINTS + 1):
        count = max(1, round(len(hits) * point / CURVE_POINTS))
        curve.append(CurvePoint(point / CURVE_POINTS, float(1 - hits[:count].mean())))
    return tuple(curve)


def _threshold(scores: Floats, weights: Floats, loss: float) -> float:
    order = np.argsort(scores, kind="stable")
    lost = np.concatenate([[0.0], np.cumsum(weights[order])[:-1]]) / weights.sum()
    # The tolerance keeps the sums' rounding from deciding where a share equals the loss exactly.
    last = int(np.flatnonzero(lost <= loss + 1e-12)[-1])
    return float(min(np.floor(scores[order[last]] / _STEP) * _STEP, 1 - _STEP))
