"""Enough yet: what heads on features say of pictures, here of features that are drawn."""

import numpy as np
import pytest

from fedge.data.dataset import Split
from fedge_train.training.enough import confused, learning_curve, most_wanted, suspects
from fedge_train.training.enough_report import near_duplicates, sentences
from fedge_train.training.linear_head import CrossValidated, cross_validate, folds_of

CLASSES, EACH, FEATURES = 3, 60, 40


def drawn(spread: float, each: tuple[int, ...] = (EACH,) * CLASSES) -> tuple[np.ndarray, np.ndarray]:
    """Views of pictures whose classes' features lie around points that are 1 apart, and their labels."""
    generator = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(each)), each).astype(np.int64)
    features = np.eye(len(each), FEATURES)[labels] + spread * generator.normal(size=(len(labels), FEATURES))
    return np.stack([features, features]).astype(np.float32), labels


def judged(views: np.ndarray, labels: np.ndarray) -> CrossValidated:
    return cross_validate(views, labels, folds_of(labels), (1.0,))


def test_pictures_in_the_wrong_folder_are_found_and_none_where_all_are_right() -> None:
    views, truth = drawn(0.08)
    assert suspects(judged(views, truth), truth) == []
    labels = truth.copy()
    moved = np.array([3, 70, 130])
    labels[moved] = (truth[moved] + 1) % CLASSES
    found = suspects(judged(views, labels), labels)
    assert {each.picture for each in found} == set(moved)
    assert all(each.other == truth[each.picture] and each.label == labels[each.picture] for each in found)


def test_the_curve_rises_and_asks_for_more_pictures_and_few_pictures_give_none() -> None:
    views, labels = drawn(0.5)
    found = judged(views, labels)
    curve = learning_curve(views, labels, found)
    assert [point.share for point in curve] == [0.25, 0.5, 0.75, 1.0]
    assert [point.pictures for point in curve] == [45, 90, 135, 180]
    assert curve[0].accuracy + 0.1 < curve[-1].accuracy == found.accuracy
    names = ("a", "b", "c")
    assert "points more" in sentences(curve, [], [], [], [], names)[0]
    assert "help little" in sentences([curve[-1], curve[-1]], [], [], [], [], names)[0]
    few, of_few = drawn(0.3, (6, 6))
    assert learning_curve(few, of_few, judged(few, of_few)) == []
    assert sentences([], [], [], [], [], names)[0].startswith("Too few")


def test_the_class_with_few_pictures_is_wanted_most() -> None:
    views, labels = drawn(0.4, (90, 90, 20))
    wanted = most_wanted(views, labels, judged(views, labels))
    assert wanted[0].label == 2 and wanted[0].worth == max(each.worth for each in wanted) > 0
    said = sentences([], wanted, [], [], [], ("cup", "key", "pen"))[1]
    assert "pen is worth more pictures first, as many again as its 20" in said


def test_classes_that_are_taken_for_each_other_are_paired_with_their_pictures() -> None:
    views, labels = drawn(0.05)
    generator = np.random.default_rng(1)
    # The second class looks like the first.
    views[:, labels == 1] = views[:, labels == 0] + 0.05 * generator.normal(size=(2, EACH, FEATURES))
    found = judged(views, labels)
    pair = confused(found, labels)[0]
    assert pair.labels == (0, 1) and pair.count == int((~found.right).sum())
    for side, label in zip(pair.pictures, pair.labels, strict=True):
        assert all(labels[i] == label and not found.right[i] for i in side)


@pytest.mark.parametrize("noise", [0, 2])
def test_pictures_that_look_alike_across_classes_and_splits_are_named(noise: int) -> None:
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 255, (8, 8, 8, 3), dtype=np.uint8)
    images = np.kron(coarse, np.ones((1, 8, 8, 1), np.uint8))
    again = np.clip(images.astype(int) + generator.integers(-noise, noise + 1, images.shape), 0, 255).astype(np.uint8)

    def split(pictures: np.ndarray, labels: list[int], name: str) -> Split:
        n = len(labels)
        right = np.eye(2, dtype=bool)[labels]
        names = tuple(f"{name}{i}" for i in range(n))
        numbers = np.zeros(n, np.int64)
        return Split(pictures, np.array(labels), right, numbers, np.zeros(n, bool), names, (b"",) * n)

    pool = split(np.concatenate([images[:4], again[:1], again[1:2]]), [0, 0, 1, 1, 1, 0], "train")
    test = split(np.concatenate([images[5:], again[2:3]]), [0, 1, 1, 1], "test")
    found = near_duplicates(pool, test)
    pairs = [(each.kind, *each.pictures) for each in found]
    # The second picture is twice in one class of the training pictures, which harms nobody.
    assert pairs == [("classes", "train0", "train4"), ("splits", "train2", "test3")]
    assert "1 pair that look alike in different classes" in sentences([], [], [], [], found, ("a", "b"))[2]
    assert "No picture" in sentences([], [], [], [], [], ("a", "b"))[2]
