"""The three splits of one source: for learning, for every choice, and for the final figure."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from fedge.data.dataset import Dataset, Split, carve, held_out_count, without_duplicates
from fedge.errors import DataError
from fedge.images.preprocess import Recipe


def was_learned(split: Split, recipe: Recipe, labels: tuple[str, ...], sha256: str, test_share: float) -> bool:
    """Whether a folder's pictures are the data set of hash `sha256`, of which `test_share` was kept for the test."""
    try:
        parts = three_splits({"all": split}, test_share)
    except DataError:
        # Too few to be trained on.
        return False
    dataset = Dataset("", labels, recipe, *parts)
    return sha256 in (without_duplicates(each).sha256() for each in (dataset, replace(dataset, sealed=True)))


def three_splits(read: dict[str, Split], test_share: float) -> tuple[Split, Split, Split]:
    """Training, held-out and test pictures from what a source has; raises DataError where they are too few."""
    rest = read["all"] if "all" in read else read.get("train")
    if rest is None:
        raise DataError("there is a test or validation folder but no train folder", "add a `train` folder")
    test = read.get("test")
    held_out = read.get("held_out")
    cuts = (test is None) + (held_out is None)
    require_enough(rest, cuts)
    if test is None:
        rest, test = carve(rest, max(1, round(len(rest) * test_share)), leave=cuts)
    if held_out is None:
        rest, held_out = carve(rest, held_out_count(len(rest)), leave=1)
    return rest, held_out, test


def require_enough(split: Split, cuts: int) -> None:
    """Each class needs a picture to learn from, and one for each part cut out of them; raises DataError."""
    for label, count in zip(*np.unique(split.labels, return_counts=True), strict=True):
        if count <= cuts:
            folder = Path(split.names[int(np.flatnonzero(split.labels == label)[0])]).parent
            raise DataError(
                f"{folder} has {count} readable pictures that are no copies, too few to hold any out",
                f"give each class {cuts + 1} or more",
            )
