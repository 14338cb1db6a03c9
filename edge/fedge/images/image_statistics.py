"""Statistics of a set of pictures: brightness, contrast and sharpness, and how far those of two sets are apart.

They are measured after preprocessing, on what the network sees.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fedge.images.picture import Picture
from fedge.images.preprocess import Recipe

# Pixels no brighter than this are the black around a cut-out object.
_BLACK = 4
_FEWEST_PIXELS = 9
# Pixels left out along the outline: the cut-out's soft edge is one pixel wide, and the Laplacian reaches one further.
_EDGE = 2
# Cohen's d: a medium effect is visible to the naked eye, a large one is hard to miss.
NOTICED, LARGE = 0.5, 0.8
_WORDS = {
    "brightness": ("darker", "brighter"),
    "contrast": ("lower in contrast", "higher in contrast"),
    "sharpness": ("more blurred", "sharper or noisier"),
}


@dataclass(frozen=True)
class Spread:
    """A measure's mean and standard deviation over pictures."""

    mean: float
    deviation: float

    def __post_init__(self) -> None:
        if self.deviation < 0:
            raise ValueError("deviation must not be below 0")


@dataclass(frozen=True)
class ImageStatistics:
    """Statistics of a set of preprocessed pictures, over pixels that are not black, two or more from the outline.

    Attributes:
        brightness: the mean gray of the object as it was photographed, 0..1; negated pictures are negated back.
        contrast: the standard deviation of its gray, 0..1.
        sharpness: the standard deviation of the Laplacian as a share of that of the gray; blur lowers it, noise raises
            it, light does not change it.
    """

    brightness: Spread
    contrast: Spread
    sharpness: Spread


# The statistics of pictures that are black.
NOTHING = ImageStatistics(Spread(0.0, 0.0), Spread(0.0, 0.0), Spread(0.0, 0.0))


def image_statistics(
    recipe: Recipe, images: Iterable[Picture], sample_weights: NDArray[np.float64] | None = None
) -> ImageStatistics:
    """Measures preprocessed pictures: uint8, each [height, width, channels] of the recipe.

    Args:
        recipe: what made them.
        images: one or more pictures; those that are black, or show too little of an object, are left out.
        sample_weights: how much each picture counts, [n]; equally if left out.
    """
    measures = np.array([_measure(recipe, image) for image in images])
    counts = np.ones(len(measures)) if sample_weights is None else sample_weights
    seen = ~np.isnan(measures[:, 0])
    if not seen.any():
        return NOTHING
    means = np.average(measures[seen], axis=0, weights=counts[seen])
    variances = np.average((measures[seen] - means) ** 2, axis=0, weights=counts[seen])
    return ImageStatistics(*(Spread(float(m), float(np.sqrt(v))) for m, v in zip(means, variances, strict=True)))


def shift(here: ImageStatistics, trained: ImageStatistics) -> dict[str, float]:
    """By how many of the training pictures' standard deviations each measure's mean is off; by the measure's name.

    Empty where one of the two shows nothing.
    """
    result: dict[str, float] = {}
    if NOTHING in (here, trained):
        return result
    for name in _WORDS:
        now, then = getattr(here, name), getattr(trained, name)
        result[name] = (now.mean - then.mean) / max(then.deviation, 1e-3)
    return result


def describe_shift(shifts: dict[str, float]) -> str:
    """A shift in words; measures that are off by less than a medium effect are left out."""
    if not shifts:
        return "the pictures show nothing that could be compared with those that it learned from"
    said = [
        ("much " if abs(value) >= LARGE else "") + _WORDS[name][value > 0]
        for name, value in shifts.items()
        if abs(value) >= NOTICED
    ]
    if not said:
        return "the pictures look like those that it learned from"
    words = " and ".join([*([", ".join(said[:-1])] if said[1:] else []), said[-1]])
    return f"the pictures are {words} than those that it learned from"


def _measure(recipe: Recipe, image: Picture) -> tuple[float, float, float]:
    """Brightness, contrast and sharpness of one picture, not-a-number where it is black."""
    gray = image[:, :, 0] if image.shape[2] == 1 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    shown = (gray > _BLACK).astype(np.uint8)
    # The outline's edge against black would outweigh the object's own edges.
    neighbours = np.ones((3, 3), np.uint8)
    inner = cv2.erode(shown, neighbours, iterations=_EDGE, borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0
    pixels = gray[inner] / 255
    if len(pixels) < _FEWEST_PIXELS:
        return np.nan, np.nan, np.nan
    bends = cv2.Laplacian(gray, cv2.CV_64F)[inner] / 255
    brightness, deviation = float(pixels.mean()), float(pixels.std())
    negated = recipe.polarity == "dark-background"
    return 1 - brightness if negated else brightness, deviation, float(bends.std()) / max(deviation, 1 / 255)
