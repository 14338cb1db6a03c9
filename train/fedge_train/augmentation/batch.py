"""Random changes to training pictures that leave their class what it is."""

import numpy as np
from numpy.typing import NDArray

from fedge_train.augmentation.camera_like import camera_like
from fedge_train.networks.plans import Plan

Images = NDArray[np.uint8]

ERASE_PROBABILITY = 0.5
ERASE_AREA = (0.02, 0.4)
ERASE_RATIO = (0.3, 1 / 0.3)


def augment(images: Images, plan: Plan, generator: np.random.Generator) -> Images:
    """Applies the plan's changes to a batch: uint8, [n, height, width, channels]; gives a new array of that shape."""
    if plan.camera:
        images = np.stack([camera_like(image, generator) for image in images])
    if plan.flip:
        images = _flip(images, generator)
    if plan.shift:
        images = _shift(images, plan.shift, generator)
    if plan.erase:
        images = _erase(images, generator)
    return images


def _flip(images: Images, generator: np.random.Generator) -> Images:
    mirrored = generator.random(len(images)) < 0.5
    return np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)


def _shift(images: Images, share: float, generator: np.random.Generator) -> Images:
    n, height, width, _ = images.shape
    reach = max(1, round(min(height, width) * share))
    padded = np.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    rows = generator.integers(0, 2 * reach + 1, n)[:, None] + np.arange(height)
    columns = generator.integers(0, 2 * reach + 1, n)[:, None] + np.arange(width)
    return padded[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]


def _erase(images: Images, generator: np.random.Generator) -> Images:
    n, height, width, channels = images.shape
    images = images.copy()
    areas = generator.uniform(*ERASE_AREA, n) * height * width
    ratios = np.exp(generator.uniform(np.log(ERASE_RATIO[0]), np.log(ERASE_RATIO[1]), n))
    heights = np.clip(np.rint(np.sqrt(areas * ratios)), 1, height).astype(int)
    widths = np.clip(np.rint(np.sqrt(areas / ratios)), 1, width).astype(int)
    for i in np.flatnonzero(generator.random(n) < ERASE_PROBABILITY):
        top = generator.integers(0, height - heights[i] + 1)
        left = generator.integers(0, width - widths[i] + 1)
        patch = (heights[i], widths[i], channels)
        images[i, top : top + heights[i], left : left + widths[i]] = generator.integers(0, 256, patch, dtype=np.uint8)
    return images
