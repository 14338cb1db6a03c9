"""Random crops of the training photographs, as outliers: what a camera's cut-out makes of parts, walls and floors."""

import numpy as np
from numpy.typing import NDArray

from fedge.data.dataset import Dataset
from fedge.images.picture import Picture
from fedge.images.preprocess import prepare
from fedge.system.progress import Progress

PER_PHOTOGRAPH = 4
# Of each side; so small a crop hardly ever holds a whole object.
SHARE = (0.12, 0.35)


def random_crops(dataset: Dataset, seed: int) -> NDArray[np.uint8]:
    """Random crops of the training pictures that are files of their own, each preprocessed like a picture.

    Gives uint8, [n, height, width, channels]; none of packaged pictures, nor where a crop shows no object.
    """
    split = dataset.train
    files = split.files()
    generator = np.random.default_rng([seed, len(files)])
    images = [np.empty((0, *dataset.recipe.shape), np.uint8)]
    with Progress("cutting photographs into crops", len(files)) as progress:
        for i in files:
            picture = split.raw_picture(int(i))
            for _ in range(PER_PHOTOGRAPH):
                prepared = prepare(dataset.recipe, _random_crop(picture, generator))
                images += [] if prepared.empty else [prepared.image[np.newaxis]]
            progress.advance(1)
    return np.concatenate(images)


def _random_crop(picture: Picture, generator: np.random.Generator) -> Picture:
    height, width = picture.shape[:2]
    rows, columns = (
        max(1, round(side * share)) for side, share in zip((height, width), generator.uniform(*SHARE, 2), strict=True)
    )
    top, left = generator.integers(height - rows + 1), generator.integers(width - columns + 1)
    return np.ascontiguousarray(picture[top : top + rows, left : left + columns])
