"""Counting right and wrong answers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedge.data.dataset import Classes


@dataclass(frozen=True)
class ClassMetrics:
    """A class's precision, recall and F1, 0..1 (0 where undefined), and how many pictures have it as their truth."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Evaluation:
    """How well predictions meet the truth.

    Attributes:
        accuracy: the share of right answers, 0..1.
        n: how many pictures.
        per_class: by label, in output order.
        confusion: [true class][predicted class], counts.
    """

    accuracy: float
    n: int
    per_class: dict[str, ClassMetrics]
    confusion: list[list[int]]


def evaluate_predictions(truth: Classes, predicted: Classes, labels: tuple[str, ...]) -> Evaluation:
    """Compares predicted with true classes, both int64 [n], indices into `labels`."""
    confusion = confusion_matrix(truth, predicted, len(labels))
    hits = np.diag(confusion).astype(float)
    support, claimed = confusion.sum(axis=1), confusion.sum(axis=0)
    recall = np.divide(hits, support, out=np.zeros_like(hits), where=support > 0)
    precision = np.divide(hits, claimed, out=np.zeros_like(hits), where=claimed > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
    per_class = {
        label: ClassMetrics(float(precision[i]), float(recall[i]), float(f1[i]), int(support[i]))
        for i, label in enumerate(labels)
    }
    return Evaluation(float(np.mean(truth == predicted)), len(truth), per_class, confusion.tolist())


def confusion_matrix(truth: Classes, predicted: Classes, classes: int) -> NDArray[np.int64]:
    """Counts, int64 [true class, predicted class]."""
    flat = np.bincount(truth * classes + predicted, minlength=classes * classes)
    return flat.reshape(classes, classes).astype(np.int64)


def expected_calibration_error(
    probabilities: NDArray[Any], truth: Classes, sample_weights: NDArray[np.float64] | None = None, bins: int = 15
) -> float:
    """The mean gap between confidence and accuracy, 0..1, over equal-width bins of confidence weighted by their size.

    Args:
        probabilities: [n, classes], rows summing to 1, or to less where "none of these" is one more class.
        truth: int64 [n].
        sample_weights: how much each picture counts, [n]; alike if left out.
        bins: how many bins; 15 as in Guo et al., "On Calibration of Modern Neural Networks" (2017).
    """
    confidence = probabilities.max(axis=1)
    excess = (probabilities.argmax(axis=1) == truth) - confidence
    counts = np.ones(len(truth)) if sample_weights is None else sample_weights
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    return float(np.abs(np.bincount(which, counts * excess, minlength=bins)).sum() / counts.sum())


def balanced_sample_weights(groups: Classes) -> NDArray[np.float64]:
    """How much each picture counts, [n], so that each group of pictures, int64 [n], counts alike; their mean is 1."""
    if not len(groups):
        return np.empty(0)
    _, which, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    return np.asarray(len(groups) / len(sizes) / sizes[which], dtype=np.float64)
