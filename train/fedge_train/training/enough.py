"""Are the pictures enough yet, and what is wrong with them: asked of heads on cached features, which learn in seconds.

Everything is said of pictures by heads that had not learned them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedge.evaluation.metrics import balanced_sample_weights
from fedge.model.confidence import softmax
from fedge_train.runs.enough import Point
from fedge_train.training.linear_head import Classes, CrossValidated, Floats, out_of_fold, standard_error

SHARES = (0.25, 0.5, 0.75)
# A head has to see so many of each class before its curve says anything.
LEAST_PER_CLASS = 8
# Halving a class is tried for so many classes, those that are worst recognized: each takes as long as the whole.
MOST_HALVED = 6
# Pictures times classes, by which a head's time rises: beyond it only half of the pictures, and so many classes, are
# tried, for each of these takes as long as the training itself.
MOST_WORK, HALVED_OF_MANY = 10_000, 2
SUSPECTS_SHOWN, PAIRS_SHOWN, PICTURES_SHOWN = 12, 3, 4
_SEED = 0


@dataclass(frozen=True)
class More:
    """What pictures of a class are worth: by how much the mean log loss is higher with half of them."""

    label: int
    pictures: int
    worth: float


@dataclass(frozen=True)
class Suspect:
    """A picture whose label is likely wrong: as surely as the pictures of `other` are that, it is that too.

    `probability` is that of `other`, 0..1.
    """

    picture: int
    label: int
    other: int
    probability: float


@dataclass(frozen=True)
class Confused:
    """Two classes, how many pictures of one are taken for the other, and some of these, from each side."""

    labels: tuple[int, int]
    count: int
    pictures: tuple[tuple[int, ...], tuple[int, ...]]


def learning_curve(views: Floats, labels: Classes, found: CrossValidated) -> list[Point]:
    """The accuracy with a quarter, half, three quarters and all of the pictures; [] where a class has too few."""
    sizes = np.bincount(labels)
    points = []
    for share in (0.5,) if _takes_long(found) else SHARES:
        if share * sizes.min() < LEAST_PER_CLASS:
            continue
        logits = out_of_fold(views, labels, found.fold, found.strength, _part(labels, found.fold, share))
        hits = int((logits.argmax(-1) == labels).sum())
        points.append(Point(share, round(share * len(labels)), hits / len(labels), standard_error(hits, len(labels))))
    return [*points, Point(1.0, len(labels), found.accuracy, found.error)] if points else []


def most_wanted(views: Floats, labels: Classes, found: CrossValidated) -> list[More]:
    """What more of each class would be worth, of those that are worst recognized, most for each picture first.

    The log loss, in which each class counts alike, tells what an accuracy of a few hundred pictures does not.
    """
    sizes = np.bincount(labels)
    recall = np.array([found.right[labels == label].mean() for label in range(len(sizes))])
    whole = _loss(found.logits, labels)
    asked = [int(label) for label in np.argsort(recall, kind="stable") if sizes[label] >= 2 * LEAST_PER_CLASS]
    answers = []
    for label in asked[: HALVED_OF_MANY if _takes_long(found) else MOST_HALVED]:
        learned = (labels != label) | _part(labels, found.fold, 0.5)
        logits = out_of_fold(views, labels, found.fold, found.strength, learned)
        answers.append(More(label, int(sizes[label]), _loss(logits, labels) - whole))
    return sorted(answers, key=lambda each: -each.worth / each.pictures)


def suspects(found: CrossValidated, labels: Classes) -> list[Suspect]:
    """Pictures that are likely in another class's folder, the likeliest first.

    A class is one to suspect where its probability is at least the mean that its own pictures have of it, and twice
    that of the class whose folder the picture is in.

    Source: Northcutt et al., "Confident Learning", 2021; the factor of two leaves out pictures that show both.
    """
    probabilities = softmax(found.logits.astype(np.float64), _temperature(found, labels))
    own = probabilities[np.arange(len(labels)), labels]
    usual = np.array([own[labels == label].mean() for label in range(probabilities.shape[1])])
    sure = np.where(probabilities >= usual, probabilities, 0.0)
    other = sure.argmax(-1)
    claimed = sure[np.arange(len(labels)), other]
    wrong = np.flatnonzero((claimed > 0) & (other != labels) & (claimed >= 2 * own))
    order = wrong[np.argsort(own[wrong] - claimed[wrong], kind="stable")]
    return [Suspect(int(i), int(labels[i]), int(other[i]), float(claimed[i])) for i in order]


def confused(found: CrossValidated, labels: Classes) -> list[Confused]:
    """The pairs of classes that are taken for each other most often, at least twice, with the surest of these."""
    answers = found.logits.argmax(-1)
    best = found.logits.max(-1)
    classes = found.logits.shape[1]
    pairs = []
    for one in range(classes):
        for two in range(one + 1, classes):
            sides = [np.flatnonzero((labels == a) & (answers == b)) for a, b in ((one, two), (two, one))]
            count = len(sides[0]) + len(sides[1])
            surest = [side[np.argsort(-best[side], kind="stable")][:PICTURES_SHOWN] for side in sides]
            if count > 1:
                first, second = (tuple(int(i) for i in side) for side in surest)
                pairs.append(Confused((one, two), count, (first, second)))
    return sorted(pairs, key=lambda pair: -pair.count)[:PAIRS_SHOWN]


def _takes_long(found: CrossValidated) -> bool:
    return found.logits.size > MOST_WORK


def _part(labels: Classes, fold: Classes, share: float) -> NDArray[np.bool_]:
    """A random share of each class in each fold, at least one picture."""
    generator = np.random.default_rng(_SEED)
    chosen = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        for number in np.unique(fold):
            members = generator.permutation(np.flatnonzero((labels == label) & (fold == number)))
            chosen[members[: max(1, round(share * len(members)))]] = True
    return chosen


def _loss(logits: Floats, labels: Classes) -> float:
    probabilities = softmax(logits.astype(np.float64))
    losses = -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-12))
    return float(np.average(losses, weights=balanced_sample_weights(labels)))


def _temperature(found: CrossValidated, labels: Classes) -> float:
    """The temperature at which the heads' probabilities of the right classes are likeliest, of some that double."""
    temperatures = 2.0 ** np.arange(-4, 3)
    return float(min(temperatures, key=lambda t: _loss(found.logits / np.float32(t), labels)))
