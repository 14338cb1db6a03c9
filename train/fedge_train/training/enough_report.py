"""What a training says of its pictures: enough yet, of which class more, and which of them look wrong."""

from pathlib import Path

import numpy as np

from fedge.data.dataset import Dataset, Split, join
from fedge.images.near_duplicates import MAX_DISTANCE, difference_hash
from fedge.images.picture import input_to_picture
from fedge_train.runs.enough import Alike, ConfusedPair, EnoughReport, Mislabelled, MoreOf, Point
from fedge_train.runs.plots import plot_learning_curve, plot_samples
from fedge_train.training.enough import (
    PICTURES_SHOWN,
    SUSPECTS_SHOWN,
    Confused,
    More,
    Suspect,
    confused,
    learning_curve,
    most_wanted,
    suspects,
)
from fedge_train.training.linear_head import CrossValidated, Floats

CURVE, SUSPECTS, CONFUSED, ALIKE_PICTURES = "learning_curve.png", "suspects.png", "confused.png", "alike.png"
# Comparing each picture with each takes the square of their number.
MOST_COMPARED = 10_000
_BLOCK = 1000
_ALIKE_SHOWN = 24
# What twice as many pictures bring is no more than noise below this share.
LITTLE = 0.01


def enough_report(folder: Path, dataset: Dataset, views: Floats, found: CrossValidated) -> EnoughReport:
    """Asks heads on a backbone's features about the pictures that are not for the test; draws what they say.

    Args:
        folder: where the plots go.
        dataset: what was trained on.
        views: float32 [views, n, features] of the pictures to train on and those held out, in this order.
        found: what heads answered to them.
    """
    pool, labels = join([dataset.train, dataset.held_out]), dataset.labels
    curve = learning_curve(views, pool.labels, found)
    wanted = most_wanted(views, pool.labels, found)
    suspected, pairs = suspects(found, pool.labels), confused(found, pool.labels)
    doubles = near_duplicates(pool, dataset.test)
    if curve:
        plot_learning_curve(folder / CURVE, [(point.pictures, point.accuracy, point.error) for point in curve])
    _draw(folder, pool, dataset, suspected, pairs, doubles)
    return EnoughReport(
        sentences=sentences(curve, wanted, pairs, suspected, doubles, labels),
        learning_curve=tuple(curve),
        more_of=tuple(MoreOf(labels[each.label], each.pictures, each.worth) for each in wanted),
        mislabelled=tuple(
            Mislabelled(pool.names[each.picture], labels[each.label], labels[each.other], each.probability)
            for each in suspected
        ),
        confused=tuple(
            ConfusedPair(
                tuple(labels[i] for i in pair.labels),
                pair.count,
                tuple(tuple(pool.names[i] for i in side) for side in pair.pictures),
            )
            for pair in pairs
        ),
        near_duplicates=tuple(doubles),
    )


def sentences(
    curve: list[Point],
    wanted: list[More],
    pairs: list[Confused],
    suspected: list[Suspect],
    doubles: list[Alike],
    labels: tuple[str, ...],
) -> tuple[str, ...]:
    """Three sentences for people: enough yet, of what more, and what to look at."""
    return _enough(curve), _of_what(wanted, pairs, labels), _look_at(suspected, doubles)


def _enough(curve: list[Point]) -> str:
    if len(curve) < 2:
        return "Too few pictures to say whether more would help: give each class 30 or more."
    half = next((point for point in curve if point.share == 0.5), curve[0])
    last = curve[-1]
    seen = (
        f"{last.accuracy:.0%} (give or take {last.error:.0%}) of pictures that it had not learned are right, "
        f"and were {half.accuracy:.0%} with {half.share:.0%} of the pictures"
    )
    gain = last.accuracy - half.accuracy
    if gain < max(LITTLE, last.error):
        return f"{seen}: more of the same would help little."
    # Each doubling brings less than the one before, as a rule.
    return f"{seen}: twice as many pictures may bring up to {100 * gain:.0f} points more."


def _of_what(wanted: list[More], pairs: list[Confused], labels: tuple[str, ...]) -> str:
    best = [each for each in wanted if each.worth > 0][:2]
    if not best:
        return "No class needs more pictures than the others."
    text = (
        f"Of all classes {labels[best[0].label]} is worth more pictures first, as many again as its {best[0].pictures}"
    )
    text += f", then {labels[best[1].label]}" if len(best) > 1 else ""
    if pairs:
        one, two = (labels[i] for i in pairs[0].labels)
        text += f"; {one} and {two} are taken for each other most often, {pairs[0].count} times"
    return text + "."


def _look_at(suspected: list[Suspect], doubles: list[Alike]) -> str:
    across = sum(each.kind == "classes" for each in doubles)
    split = len(doubles) - across
    found = [f"{_count(len(suspected), 'picture')} that may be in the wrong folder"] if suspected else []
    found += [f"{_count(across, 'pair')} that look alike in different classes"] if across else []
    found += [f"{_count(split, 'pair')} that look alike in training and test, which flatter the test"] if split else []
    return f"Look at {', '.join(found)} (report.html)." if found else "No picture looks mislabelled or doubled."


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def near_duplicates(pool: Split, test: Split) -> list[Alike]:
    """Pairs that look alike and should not.

    Nothing is compared where there are more than `MOST_COMPARED` pictures.
    """
    everything = join([pool, test])
    if len(everything) > MOST_COMPARED:
        return []
    hashes = np.stack([difference_hash(input_to_picture(image)) for image in everything.images]).astype(np.float32)
    size = hashes.sum(axis=1)
    pairs = []
    for start in range(0, len(hashes), _BLOCK):
        both = hashes[start : start + _BLOCK] @ hashes.T
        either = size[start : start + _BLOCK, np.newaxis] + size - both
        alike = either - both < MAX_DISTANCE * np.maximum(either, 16)
        for row, column in zip(*np.nonzero(alike), strict=True):
            one, two = start + int(row), int(column)
            if one < two:
                pairs.append((one, two))
    found = []
    for one, two in pairs:
        other_class = not (everything.right[one] & everything.right[two]).any()
        if other_class or one < len(pool) <= two:
            found.append(
                Alike(
                    "classes" if other_class else "splits",
                    (everything.names[one], everything.names[two]),
                    (int(everything.labels[one]), int(everything.labels[two])),
                    (one, two),
                )
            )
    return sorted(found, key=lambda each: each.kind)


def _draw(
    folder: Path,
    pool: Split,
    dataset: Dataset,
    suspected: list[Suspect],
    pairs: list[Confused],
    doubles: list[Alike],
) -> None:
    labels = dataset.labels
    if suspected:
        shown = suspected[:SUSPECTS_SHOWN]
        captions = [f"in {labels[s.label]}\nlooks like {labels[s.other]}" for s in shown]
        title = f"{len(suspected)} pictures may be in the wrong folder; the likeliest"
        plot_samples(folder / SUSPECTS, pool.images[[s.picture for s in shown]], captions, [True] * len(shown), title)
    if pairs:
        places: list[int] = []
        captions, second = [], []
        for pair in pairs:
            for side, (is_, said) in zip(pair.pictures, (pair.labels, pair.labels[::-1]), strict=True):
                places += side[:PICTURES_SHOWN]
                captions += [f"{labels[is_]}\ntaken for {labels[said]}" for _ in side[:PICTURES_SHOWN]]
                second += [is_ != pair.labels[0]] * len(side[:PICTURES_SHOWN])
        plot_samples(folder / CONFUSED, pool.images[places], captions, second, "Classes that are taken for each other")
    if doubles:
        shown_pairs = doubles[: _ALIKE_SHOWN // 2]
        everything = join([pool, dataset.test])
        places = [place for each in shown_pairs for place in each.places]
        captions = [labels[label] for each in shown_pairs for label in each.labels]
        wrong = [each.kind == "classes" for each in shown_pairs for _ in each.places]
        plot_samples(folder / ALIKE_PICTURES, everything.images[places], captions, wrong, "Pairs that look alike")
