"""A linear head on the features of a frozen backbone: learned in seconds, judged by cross-validation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from tf_keras import Model

from fedge_train.networks.features import feature_extractor, set_head

Floats = NDArray[np.float32]
Classes = NDArray[np.int64]

# Inverse strengths of the L2 penalty to choose from; on three sets of photographs the best was among these.
STRENGTHS = (0.01, 0.03, 0.1)
USUAL_STRENGTH = 0.03
FOLDS = 3
_ITERATIONS = 300
_SEED = 0


@dataclass(frozen=True)
class CrossValidated:
    """What heads answer to pictures that they have not learned from.

    Attributes:
        strength: the inverse strength of the penalty that answered best.
        right: bool, [n]: whether the answer to each picture was right; each was left out once.
        fold: int64, [n]: the fold in which each picture was left out.
    """

    strength: float
    right: NDArray[np.bool_]
    fold: Classes

    @property
    def accuracy(self) -> float:
        """The share of right answers, 0..1."""
        return float(self.right.mean())

    @property
    def error(self) -> float:
        """One standard error of the accuracy, 0..1; with n + 4 pictures, 2 of them wrong, so that it is never 0."""
        n = len(self.right) + 4
        share = (float(self.right.sum()) + 2) / n
        return float(np.sqrt(share * (1 - share) / n))


def two_views(model: Model, images: NDArray[np.uint8]) -> Floats:
    """Features of pictures, uint8 [n, height, width, 3], and of their mirror images: float32 [2, n, features]."""
    extract = feature_extractor(model)
    return np.stack([extract(images), extract(np.ascontiguousarray(images[:, :, ::-1]))])


def folds_of(labels: Classes) -> Classes:
    """The fold of each picture, int64 [n], stratified and seeded; each class needs at least two pictures."""
    count = min(FOLDS, int(np.unique(labels, return_counts=True)[1].min()))
    fold = np.zeros(len(labels), dtype=np.int64)
    splitter = StratifiedKFold(count, shuffle=True, random_state=_SEED)
    for number, (_, left_out) in enumerate(splitter.split(labels[:, np.newaxis], labels)):
        fold[left_out] = number
    return fold


def cross_validate(views: Floats, labels: Classes, fold: Classes) -> CrossValidated:
    """Judges each strength by the pictures that its heads have not learned from.

    Args:
        views: float32 [views, n, features]; heads learn from all views, and answer to the first.
        labels: int64 [n].
        fold: int64 [n], from `folds_of`.
    """
    found = []
    for strength in STRENGTHS:
        right = np.zeros(len(labels), dtype=bool)
        for number in np.unique(fold):
            learned, left_out = fold != number, fold == number
            head = _fit(views[:, learned], labels[learned], strength)
            right[left_out] = head.predict(views[0, left_out]) == labels[left_out]
        found.append(CrossValidated(strength, right, fold))
    # The first of equals has the strongest penalty.
    return max(found, key=lambda each: each.accuracy)


def learn_head(model: Model, views: Floats, labels: Classes, classes: int, strength: float) -> None:
    """Sets the model's logits to a linear function of the features, learned from all views.

    Args:
        model: its last layer is `logits`, of `classes` outputs.
        views: float32 [views, n, features].
        labels: int64 [n], each class at least once.
        classes: how many there are.
        strength: the inverse strength of the L2 penalty.
    """
    head = _fit(views, labels, strength)
    weights, bias = head.coef_.T, head.intercept_
    if classes == 2:
        # scikit-learn has one logit for two classes; half of it for each, with opposite signs, is the same.
        weights, bias = np.hstack([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    set_head(model, weights.astype(np.float32), bias.astype(np.float32))


def _fit(views: Floats, labels: Classes, strength: float) -> LogisticRegression:
    head = LogisticRegression(C=strength, max_iter=_ITERATIONS)
    return head.fit(views.reshape(-1, views.shape[-1]), np.tile(labels, len(views)))
