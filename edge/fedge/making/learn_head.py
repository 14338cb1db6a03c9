"""Learning a linear head on features: logistic regression, its penalty chosen by out-of-fold accuracy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedge.making.graph.append_layer import LinearHead
from fedge.model.confidence import Floats

# The inverse strengths of the L2 penalty that are tried; on three sets of photographs the best was among them.
STRENGTHS = (0.01, 0.03, 0.1)
USUAL_STRENGTH = 0.03
FOLDS = 3
_ITERATIONS = 300
_SEED = 0


@dataclass(frozen=True)
class Learned:
    """A head that learned from all pictures.

    Attributes:
        head: the head.
        out_of_fold: logits of each picture by a head that had not learned it, [n, classes].
        strength: the inverse strength of the penalty that answered best out of fold.
    """

    head: LinearHead
    out_of_fold: Floats
    strength: float


def learn_head(views: Floats, labels: NDArray[np.int64], classes: int) -> Learned:
    """Learns a head, the strength of its penalty chosen by cross-validation.

    Args:
        views: real features of pictures and of changed copies of them, [views, n, features]; the first are unchanged.
        labels: int64 [n]; each class at least twice.
        classes: how many there are.
    """
    from sklearn.model_selection import StratifiedKFold

    count = min(FOLDS, int(np.unique(labels, return_counts=True)[1].min()))
    splitter = StratifiedKFold(count, shuffle=True, random_state=_SEED)
    folds = list(splitter.split(labels[:, np.newaxis], labels))
    found = []
    for strength in STRENGTHS:
        logits = np.empty((len(labels), classes))
        for learned, left_out in folds:
            logits[left_out] = fit(views[:, learned], labels[learned], classes, strength).logits(views[0, left_out])
        found.append((float(np.mean(logits.argmax(1) == labels)), strength, logits))
    # The first of equals has the strongest penalty.
    _, strength, out_of_fold = max(found, key=lambda each: each[0])
    return Learned(fit(views, labels, classes, strength), out_of_fold, strength)


def fit(views: Floats, labels: NDArray[np.int64], classes: int, strength: float) -> LinearHead:
    """The head learned with one inverse strength; else as `learn_head`, but each class at least once."""
    from sklearn.linear_model import LogisticRegression

    regression = LogisticRegression(C=strength, max_iter=_ITERATIONS)
    regression.fit(views.reshape(-1, views.shape[-1]), np.tile(labels, len(views)))
    weights, bias = regression.coef_.T, regression.intercept_
    if classes == 2:
        # scikit-learn has one logit for two classes; half of it for each, with opposite signs, is the same.
        weights, bias = np.hstack([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    return LinearHead(np.asarray(weights, np.float64), np.asarray(bias, np.float64))
