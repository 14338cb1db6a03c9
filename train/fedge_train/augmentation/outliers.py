"""Outliers: pictures of none of the classes, from which the network learns to tell its classes from everything else.

Patches of flat, graded, noisy or striped light in shapes of all kinds on black, and strokes: what a camera's cut-out
leaves of an empty wall, a table, writing or clutter. Training pictures give harder ones: their tiles in another order
(the parts are right, the shape is wrong), and a crop of their surface in another shape.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from fedge_train.augmentation.perspective import rotation

Image = NDArray[np.uint8]

PHOTOGRAPHED_PROBABILITY = 0.3
TILED_PROBABILITY = 0.25
SURFACE_PROBABILITY = 0.35
TILES = (2, 3, 4)
CROP_SHARE = (0.3, 0.6)
MOST_STROKES = 6
MOST_CORNERS = 9
ROUND_POINTS = 48
SOFTNESS = (0.15, 1.3)
FLATNESS = (0.25, 1.0)
EXPOSED = {"whole": 0.1, "polygon": 0.25, "strokes": 0.4, "round": 0.25}


def draw_outliers(count: int, known: Image, crops: Image, generator: np.random.Generator) -> Image:
    """Draws `count` pictures, one or more: uint8, [count, height, width, channels], shaped as the `known` pictures.

    `crops`, if there are any, are crops of photographs; some of what is drawn is one of these, turned or mirrored.
    """
    return np.stack([_outlier(known[generator.integers(len(known))], crops, generator) for _ in range(count)])


def _outlier(known: Image, crops: Image, generator: np.random.Generator) -> Image:
    if len(crops) and generator.random() < PHOTOGRAPHED_PROBABILITY:
        crop = crops[generator.integers(len(crops))]
        quarters = int(generator.integers(4) if crop.shape[0] == crop.shape[1] else 2 * generator.integers(2))
        return np.asarray(np.rot90(crop[:, :: generator.choice((1, -1))], quarters))
    if generator.random() < TILED_PROBABILITY:
        return _tiled(known, generator)
    height, width, channels = known.shape
    mask = _mask(height, width, generator)[:, :, np.newaxis]
    if generator.random() < SURFACE_PROBABILITY:
        light = _enlarged_crop(known, generator).astype(np.float32)
    else:
        light = np.stack([_light(height, width, generator) for _ in range(channels)], axis=-1)
    soft = cv2.GaussianBlur(light * mask, (0, 0), generator.uniform(0.1, 1.0)).reshape(known.shape)
    return np.clip(np.rint(soft), 0, 255).astype(np.uint8)


def _tiled(known: Image, generator: np.random.Generator) -> Image:
    """A picture's tiles, none of them where it was."""
    height, width, channels = known.shape
    count = int(generator.choice(TILES))
    side = -(-max(height, width) // count)
    square = cv2.resize(known, (side * count, side * count)).reshape(count, side, count, side, channels)
    tiles = square.swapaxes(1, 2).reshape(count * count, side, side, channels)
    order = generator.permutation(count * count)
    moved = np.empty_like(tiles)
    moved[order] = tiles[np.roll(order, 1)]
    whole = moved.reshape(count, count, side, side, channels).swapaxes(1, 2).reshape(side * count, side * count, -1)
    return np.asarray(cv2.resize(np.ascontiguousarray(whole), (width, height)), dtype=np.uint8).reshape(known.shape)


def _enlarged_crop(known: Image, generator: np.random.Generator) -> Image:
    """A crop of a picture, enlarged to its size."""
    height, width = known.shape[:2]
    share = generator.uniform(*CROP_SHARE)
    rows, columns = max(2, round(share * height)), max(2, round(share * width))
    top, left = generator.integers(height - rows + 1), generator.integers(width - columns + 1)
    crop = np.ascontiguousarray(known[top : top + rows, left : left + columns])
    return np.asarray(cv2.resize(crop, (width, height)), dtype=np.uint8).reshape(known.shape)


def _mask(height: int, width: int, generator: np.random.Generator) -> Image:
    """Which pixels of a picture are lit: uint8, 0 or 1, [height, width]."""
    kind = generator.choice(list(EXPOSED), p=list(EXPOSED.values()))
    mask = np.ones((height, width), np.uint8) if kind == "whole" else np.zeros((height, width), np.uint8)
    if kind == "polygon":
        # A star-shaped outline: corners at rising angles and any distance.
        count = generator.integers(3, MOST_CORNERS + 1)
        angles = np.sort(generator.uniform(0, 2 * np.pi, count))
        radii = generator.uniform(0.15, 0.6, count)
        points = np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)
        cv2.fillPoly(mask, [_filling(points, height, width)], 1)
    elif kind == "round":
        # From a lens to a rectangle with soft corners, which is what is cut out of a wall that is lit from one side.
        angles = np.linspace(0, 2 * np.pi, ROUND_POINTS, endpoint=False)
        waves = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        outline = np.sign(waves) * np.abs(waves) ** generator.uniform(*SOFTNESS) * (1, generator.uniform(*FLATNESS))
        cv2.fillPoly(mask, [_filling(outline @ rotation(generator.uniform(0, np.pi)), height, width)], 1)
    elif kind == "strokes":
        lengths = generator.integers(2, 5, generator.integers(1, MOST_STROKES + 1))
        corners = _filling(generator.uniform(0, 1, (lengths.sum(), 2)), height, width)
        for stroke in np.split(corners, np.cumsum(lengths)[:-1]):
            thickness = int(generator.integers(1, max(2, height // 7) + 1))
            cv2.polylines(mask, [stroke], bool(generator.random() < 0.3), 1, thickness)
    return mask


def _filling(points: NDArray[np.float64], height: int, width: int) -> NDArray[np.int32]:
    """Points, [n, 2] across and down, moved and scaled to fill the picture, as all that is cut out does."""
    low, high = points.min(axis=0), points.max(axis=0)
    full = np.array([width - 1, height - 1])
    scale = (full / np.maximum(high - low, 1e-6)).min()
    return np.asarray(((points - (low + high) / 2) * scale + full / 2).round(), dtype=np.int32)


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
