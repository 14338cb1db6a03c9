"""Variants of photographs, changed before the object is cut out, so that the cut-out's errors vary too."""

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from fedge.data.dataset import Dataset, Split, join
from fedge.images.preprocess import apply
from fedge.images.resize import resize_longest
from fedge.system.progress import Progress
from fedge_train.augmentation.perspective import moved_corners, warp_perspective

Picture = NDArray[np.uint8]

# Twice the longer side at which the cut-out works; a variant needs no more pixels.
SIDE = 192
TURN = 10.0
ZOOM = (0.85, 1.2)
SLANT = 0.05
SHIFT = 0.06
GAMMA = (0.7, 1.45)
TINT = 0.08
MOST_BLUR = 1.2
MOST_NOISE = 8.0


def with_variants(dataset: Dataset, count: int, seed: int) -> Split:
    """The training pictures and `count` variants of each that is a file of its own; packaged ones have none."""
    split = dataset.train
    if not count:
        return split
    files = split.files()
    generator = np.random.default_rng([seed, len(files)])
    images = [np.empty((0, *dataset.recipe.shape), np.uint8)]
    with Progress("varying photographs", len(files)) as progress:
        for i in files:
            picture = resize_longest(split.raw_picture(int(i)), SIDE)
            images += [apply(dataset.recipe, vary(picture, generator))[np.newaxis] for _ in range(count)]
            progress.advance(1)
    return join([split, replace(split.take(np.repeat(files, count)), images=np.concatenate(images))])


def vary(picture: Picture, generator: np.random.Generator) -> Picture:
    """A variant of a photograph, uint8, [h, w] or [h, w, 3]: turned, scaled, in another light, less sharp."""
    height, width = picture.shape[:2]
    size = width, height
    turn = generator.normal(0, TURN)
    zoom = math.exp(generator.uniform(*np.log(ZOOM)))
    corners = moved_corners(size, (zoom, zoom), SLANT, turn, generator)
    corners += (0.5 + generator.uniform(-SHIFT, SHIFT, 2)) * size
    again = warp_perspective(picture, corners, size, cv2.INTER_AREA, cv2.BORDER_REFLECT)
    light = (again.astype(np.float32) / 255) ** math.exp(generator.uniform(*np.log(GAMMA)))
    light = light * (1 + generator.uniform(-TINT, TINT, picture.shape[2:] or 1).astype(np.float32))
    light = np.asarray(cv2.GaussianBlur(light, (0, 0), generator.uniform(0.1, MOST_BLUR)), dtype=np.float32)
    light += generator.standard_normal(light.shape, dtype=np.float32) * (generator.uniform(0, MOST_NOISE) / 255)
    return np.clip(np.rint(light * 255), 0, 255).astype(np.uint8)
