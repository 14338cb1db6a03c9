"""Selective classification: from an answer's score to whether it is given, with which coverage and accuracy.

The score is the probability of the likeliest class at the model's temperature (Hendrycks and Gimpel, 2017). Where no
object is in the picture there is no answer in any mode.
"""

from dataclasses import dataclass

import numpy as np

from fedge.model.confidence import Confidence, Flags, Floats, RejectBelow, answered
from fedge.options import REJECT_MODES, RejectMode

# The share of the right answers on held-out pictures that each mode gives up.
NORMAL_LOSS, STRICT_LOSS = 0.02, 0.10
CURVE_POINTS = 20
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
