"""The page of pictures on which the float and the int8 model differ."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedge.data.dataset import Dataset, hits
from fedge_train.runs.plots import GRID, plot_samples


def plot_flips(path: Path, dataset: Dataset, by_float: NDArray[np.int64], by_int8: NDArray[np.int64]) -> None:
    """Draws the judged pictures whose answer flipped, those that lost the right one first (in red)."""
    test, labels = dataset.judged, dataset.labels
    flipped = np.flatnonzero(by_float != by_int8)
    from_right_to_wrong = hits(test.right, by_float) & ~hits(test.right, by_int8)
    lost = from_right_to_wrong[flipped]
    flipped = flipped[np.argsort(~lost, kind="stable")]
    shown = flipped[: GRID[0] * GRID[1]]
    captions = [f"{labels[by_float[i]]}\nto {labels[by_int8[i]]}" for i in shown]
    wrong = from_right_to_wrong[shown].tolist()
    title = f"{len(flipped)} of {len(test)} answers flipped, {int(lost.sum())} from right to wrong (red)"
    if not len(flipped):
        title = f"float and int8 model give the same answer to all {len(test)} pictures"
    plot_samples(path, test.images[shown], captions, wrong, title)
