"""The page of pictures on which the float and the int8 model differ."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedge.data.dataset import Dataset
from fedge_train.plots import GRID, plot_samples


def plot_flips(path: Path, dataset: Dataset, by_float: NDArray[np.int64], by_int8: NDArray[np.int64]) -> None:
    """Draws the test pictures whose answer flipped, those that lost the right one first (in red)."""
    test, labels = dataset.test, dataset.labels
    flipped = np.flatnonzero(by_float != by_int8)
    float_right = test.right[np.arange(len(test)), by_float]
    int8_right = test.right[np.arange(len(test)), by_int8]
    lost = (float_right & ~int8_right)[flipped]
    flipped = flipped[np.argsort(~lost, kind="stable")]
    shown = flipped[: GRID[0] * GRID[1]]
    captions = [f"{labels[by_float[i]]}\nto {labels[by_int8[i]]}" for i in shown]
    wrong = (float_right & ~int8_right)[shown].tolist()
    title = f"{len(flipped)} of {len(test)} answers flipped, {int(lost.sum())} from right to wrong (red)"
    plot_samples(path, test.images[shown], captions, wrong, title)
