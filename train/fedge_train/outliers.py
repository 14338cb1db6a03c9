"""Pictures of nothing that a network should know, so that it learns to be unsure of what is none of its classes.

Patches of flat, graded, noisy or striped light in shapes of all kinds on black, and strokes: what a camera's cut-out
leaves of an empty wall, a table, writing or clutter.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

MOST_STROKES = 6
MOST_CORNERS = 9
EXPOSED = {"whole": 0.2, "polygon": 0.45, "strokes": 0.35}


def draw_outliers(count: int, shape: tuple[int, ...], generator: np.random.Generator) -> Image:
    """Draws pictures: uint8, [count, height, width, channels] for a shape of [height, width, channels]."""
    return np.stack([_outlier(shape, generator) for _ in range(count)]) if count else np.empty((0, *shape), np.uint8)


def _outlier(shape: tuple[int, ...], generator: np.random.Generator) -> Image:
    height, width, channels = shape
    kind = generator.choice(list(EXPOSED), p=list(EXPOSED.values()))
    mask = np.ones((height, width), np.uint8) if kind == "whole" else np.zeros((height, width), np.uint8)
    if kind == "polygon":
        # A star-shaped outline: corners at rising angles and any distance.
        corners = generator.integers(3, MOST_CORNERS + 1)
        angles = np.sort(generator.uniform(0, 2 * np.pi, corners))
        radii = generator.uniform(0.15, 0.6, corners)
        points = np.stack([0.5 + radii * np.cos(angles), 0.5 + radii * np.sin(angles)], axis=1) * (width, height)
        cv2.fillPoly(mask, [points.round().astype(np.int32)], 1)
    elif kind == "strokes":
        for _ in range(generator.integers(1, MOST_STROKES + 1)):
            points = (generator.uniform(0.05, 0.95, (generator.integers(2, 5), 2)) * (width, height)).round()
            thickness = int(generator.integers(1, max(2, height // 7) + 1))
            cv2.polylines(mask, [points.astype(np.int32)], bool(generator.random() < 0.3), 1, thickness)
    light = np.stack([_light(height, width, generator) for _ in range(channels)], axis=-1)
    soft = cv2.GaussianBlur(light * mask[:, :, np.newaxis], (0, 0), generator.uniform(0.1, 1.0)).reshape(shape)
    return np.clip(np.rint(soft), 0, 255).astype(np.uint8)


def _light(height: int, width: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """A field of light in 0..255, float32 [height, width]: a level, a slope, stripes and noise in random shares."""
    down, across = np.mgrid[0:height, 0:width] / max(height, width)
    slope = generator.normal(0, 0.3, 2)
    wave = generator.uniform(1, 10) * (np.cos(turn := generator.uniform(0, np.pi)) * down + np.sin(turn) * across)
    field = generator.uniform(0.1, 1) + slope[0] * (down - 0.5) + slope[1] * (across - 0.5)
    field = field + generator.choice([0, 0, 0.3]) * generator.random() * np.sin(2 * np.pi * wave)
    coarse = cv2.resize(generator.normal(0, 1, (generator.integers(2, 9),) * 2), (width, height))
    field = field + generator.choice([0, 0.25]) * generator.random() * coarse
    field = field + generator.choice([0, 0.2]) * generator.random() * generator.standard_normal((height, width))
    return np.asarray(field.clip(0, 1) * 255, dtype=np.float32)
