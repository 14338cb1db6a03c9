"""Variants of photographs, changed before the object is cut out, so that the cut-out's errors vary too."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from fedge.images.preprocess import Recipe, apply
from fedge.images.resize import resize_longest
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


def variants(picture: Picture, recipe: Recipe, count: int, generator: np.random.Generator) -> list[NDArray[np.uint8]]:
    """`count` variants of a photograph, uint8 [h, w] or [h, w, 3], preprocessed: uint8 [height, width, channels]."""
    reduced = resize_longest(picture, SIDE)
    return [apply(recipe, vary(reduced, generator)) for _ in range(count)]


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
