"""Random crops of the training photographs, as outliers: what a camera's cut-out makes of parts, walls and floors."""

import numpy as np
from numpy.typing import NDArray

from fedge.images.picture import Picture
from fedge.images.preprocess import Recipe, prepare

PER_PHOTOGRAPH = 4
# Of each side; so small a crop hardly ever holds a whole object.
SHARE = (0.12, 0.35)


def random_crops(picture: Picture, recipe: Recipe, generator: np.random.Generator) -> list[NDArray[np.uint8]]:
    """Four random crops of a photograph, uint8 [h, w] or [h, w, 3], each preprocessed like a picture.

    Gives uint8 [height, width, channels] each, and fewer where a crop shows no object.
    """
    crops = (prepare(recipe, _random_crop(picture, generator)) for _ in range(PER_PHOTOGRAPH))
    return [crop.image for crop in crops if not crop.empty]


def _random_crop(picture: Picture, generator: np.random.Generator) -> Picture:
    height, width = picture.shape[:2]
    rows, columns = (
        max(1, round(side * share)) for side, share in zip((height, width), generator.uniform(*SHARE, 2), strict=True)
    )
    top, left = generator.integers(height - rows + 1), generator.integers(width - columns + 1)
    return np.ascontiguousarray(picture[top : top + rows, left : left + columns])
