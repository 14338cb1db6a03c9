"""A linear head on the features of a frozen backbone: learned in seconds, judged by cross-validation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from tf_keras import Model

from fedge.data.decoded.array import Images
from fedge_train.networks.features import feature_extractor, set_head
from fedge_train.networks.layer_names import LOGITS
from fedge_train.networks.predict import in_batches

Floats = NDArray[np.float32]
Classes = NDArray[np.int64]

# Inverse strengths of the L2 penalty to choose from; on three sets of photographs the best was among these.
STRENGTHS = (0.01, 0.03, 0.1)
USUAL_STRENGTH = 0.03
FOLDS = 3
# Mirror images are worth something where pictures are few; of many they double memory and time.
MOST_MIRRORED = 10_000
_ITERATIONS = 300
_SEED = 0


@dataclass(frozen=True)
class Head:
    """A linear function of features: weights, float32 [features, classes], and bias, [classes]."""

    weights: Floats
    bias: Floats

    def logits(self, features: Floats) -> Floats:
        """float32 [n, classes] of features, [n, features]."""
        return np.asarray(features @ self.weights + self.bias, dtype=np.float32)


@dataclass(frozen=True)
class CrossValidated:
    """What heads answer to pictures that they have not learned from.

    Attributes:
        strength: the inverse strength of the penalty that answered best.
        logits: float32, [n, classes]: of the head that had not learned the picture.
        right: bool, [n]: whether the answer to each picture was right; each was left out once.
        fold: int64, [n]: the fold in which each picture was left out.
    """

    strength: float
    logits: Floats
    right: NDArray[np.bool_]
    fold: Classes

    @property
    def accuracy(self) -> float:
        """The share of right answers, 0..1."""
        return float(self.right.mean())

    @property
    def error(self) -> float:
        """One standard error of the accuracy, 0..1."""
        return standard_error(int(self.right.sum()), len(self.right))


def standard_error(hits: int, n: int) -> float:
    """One standard error of a share, 0..1; with n + 4 pictures, 2 of them wrong, so that it is never 0."""
    share = (hits + 2) / (n + 4)
    return float(np.sqrt(share * (1 - share) / (n + 4)))


def features_of_views(model: Model, images: Images) -> Floats:
    """Features of pictures, uint8 [n, height, width, 3], and of their mirror images: float32 [2, n, features].

    Of more than `MOST_MIRRORED` pictures there are those of the pictures alone, [1, n, features].
    """
    extract = feature_extractor(model)
    count = 2 if len(images) <= MOST_MIRRORED else 1
    views = np.empty((count, len(images), model.get_layer(LOGITS).input_shape[-1]), dtype=np.float32)
    for place, pictures in in_batches(images):
        for view, shown in zip(views, (pictures, pictures[:, :, ::-1]), strict=False):
            view[place] = extract(shown)
    return views


def folds_of(labels: Classes) -> Classes:
    """The fold of each picture, int64 [n], stratified and seeded; each class needs at least two pictures."""
    count = min(FOLDS, int(np.unique(labels, return_counts=True)[1].min()))
    fold = np.zeros(len(labels), dtype=np.int64)
    splitter = StratifiedKFold(count, shuffle=True, random_state=_SEED)
    for number, (_, left_out) in enumerate(splitter.split(labels[:, np.newaxis], labels)):
        fold[left_out] = number
    return fold


def cross_validate(
    views: Floats, labels: Classes, fold: Classes, strengths: Sequence[float] = STRENGTHS
) -> CrossValidated:
    """Judges each strength by the pictures that its heads have not learned from.

    Args:
        views: float32 [views, n, features]; heads learn from all views, and answer to the first.
        labels: int64 [n].
        fold: int64 [n], from `folds_of`.
        strengths: the penalties' inverse strengths, rising.
    """
    found = []
    for strength in strengths:
        logits = out_of_fold(views, labels, fold, strength)
        found.append(CrossValidated(strength, logits, logits.argmax(-1) == labels, fold))
    # The first of equals has the strongest penalty.
    return max(found, key=lambda each: each.accuracy)


def out_of_fold(
    views: Floats, labels: Classes, fold: Classes, strength: float, learned: NDArray[np.bool_] | None = None
) -> Floats:
    """The logits of each picture by a head that has learned from the other folds, float32 [n, classes].

    `learned`, bool [n], says which pictures heads learn from at all, some of each class in each fold.
    """
    usable = np.ones(len(labels), dtype=bool) if learned is None else learned
    logits = np.empty((len(labels), int(labels.max()) + 1), dtype=np.float32)
    for number in np.unique(fold):
        left_out = fold == number
        chosen = usable & ~left_out
        logits[left_out] = fit_head(views[:, chosen], labels[chosen], strength).logits(views[0, left_out])
    return logits


def fit_head(views: Floats, labels: Classes, strength: float) -> Head:
    """A head learned from all views of pictures.

    Args:
        views: float32 [views, n, features].
        labels: int64 [n], each class at least once.
        strength: the inverse strength of the L2 penalty.
    """
    found = LogisticRegression(C=strength, max_iter=_ITERATIONS)
    found.fit(views.reshape(-1, views.shape[-1]), np.tile(labels, len(views)))
    weights, bias = found.coef_.T, found.intercept_
    if weights.shape[1] == 1:
        # scikit-learn has one logit for two classes; half of it for each, with opposite signs, is the same.
        weights, bias = np.hstack([-weights, weights]) / 2, np.concatenate([-bias, bias]) / 2
    return Head(weights.astype(np.float32), bias.astype(np.float32))


def install(model: Model, head: Head) -> None:
    """Makes the head the last layer, `logits`, of a model."""
    set_head(model, head.weights, head.bias)
