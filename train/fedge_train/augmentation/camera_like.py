"""Random changes that make a picture cut out on black look like one that came from a camera.

The object is laid down askew, stretched, seen at an angle, lit otherwise, printed on, badly cut out and blurred. Wide,
low objects such as shoes also lie any way round, often as a pair.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from fedge_train.augmentation.perspective import moved_corners, warp_perspective

Image = NDArray[np.uint8]

SHARE = 0.3
EMPTY = 4
WIDE = 0.75
PAIR_PROBABILITY = 0.4
TURN = 20.0
ANY_TURN_PROBABILITY = 0.3
STRETCH = (0.85, 1.45)
SLANT = 0.07
FILL = (0.88, 1.03)
GAMMA = (0.6, 1.7)
NEGATIVE_PROBABILITY = 0.2
PRINT_PROBABILITY = 0.3
BITE_PROBABILITY = 0.3
BLOB_PROBABILITY = 0.3
MOST_BLUR = 2.2
MOST_NOISE = 12.0


def camera_like(image: Image, generator: np.random.Generator) -> Image:
    """Changes one picture: uint8, [height, width, channels], an object on black; some are left as they are."""
    if generator.random() > SHARE or image.max() <= EMPTY:
        return image
    placed = _placed(image, generator)
    inside = placed.max(axis=2) > EMPTY
    light = _lit(placed, generator)
    size = inside.shape
    if generator.random() < PRINT_PROBABILITY:
        light[_ellipse(size, 0.08, 0.2, generator) & inside] = generator.uniform(0, 255)
    if generator.random() < BITE_PROBABILITY:
        light[_ellipse(size, 0.04, 0.12, generator)] = 0
    if generator.random() < BLOB_PROBABILITY:
        light[_ellipse(size, 0.04, 0.15, generator) & ~inside] = generator.uniform(20, 230)
    # Squared: most cameras are a little out of focus, few are far.
    blur = 0.1 + generator.random() ** 2 * MOST_BLUR
    soft = cv2.GaussianBlur(light, (0, 0), blur).reshape(image.shape)
    noise = generator.standard_normal(image.shape, dtype=np.float32) * generator.uniform(0, MOST_NOISE)
    return np.clip(np.rint(soft + noise * (soft > EMPTY)), 0, 255).astype(np.uint8)


def _placed(image: Image, generator: np.random.Generator) -> Image:
    """The object turned, stretched and seen at an angle, about as large as the picture again."""
    rows = np.flatnonzero(image.max(axis=(1, 2)) > EMPTY)
    columns = np.flatnonzero(image.max(axis=(0, 2)) > EMPTY)
    cut = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    wide = cut.shape[0] < WIDE * cut.shape[1]
    turn = generator.normal(0, TURN)
    stretch = math.exp(generator.uniform(*np.log(STRETCH)))
    if wide and generator.random() < PAIR_PROBABILITY:
        upright = np.rot90(cut)
        cut = np.hstack([upright, np.zeros_like(upright[:, :1]), upright[:, ::-1]])
    elif wide:
        stretch = 1.0
        turn = generator.uniform(-180, 180) if generator.random() < ANY_TURN_PROBABILITY else turn
    size = image.shape[1], image.shape[0]
    corners = moved_corners((cut.shape[1], cut.shape[0]), (stretch, 1), SLANT, turn, generator)
    low, high = corners.min(axis=0), corners.max(axis=0)
    scale = (size / (high - low)).min() * generator.uniform(*FILL)
    corners = (corners - (low + high) / 2) * scale + np.array(size) / 2
    return warp_perspective(cut, corners, size, cv2.INTER_LINEAR, cv2.BORDER_CONSTANT).reshape(image.shape)


def _lit(image: Image, generator: np.random.Generator) -> NDArray[np.float32]:
    """The object in another light: negative now and then, another gamma, gain and offset, a shadow from one side."""
    inside = image.max(axis=2, keepdims=True) > EMPTY
    light = image.astype(np.float32) / 255
    if generator.random() < NEGATIVE_PROBABILITY:
        light = 1 - light
    light = light ** math.exp(generator.uniform(*np.log(GAMMA)))
    light = light * generator.uniform(0.6, 1.1) + generator.uniform(-0.1, 0.2)
    height, width = image.shape[:2]
    angle, depth = generator.uniform(0, 2 * math.pi), generator.uniform(0, 0.3)
    down, across = np.linspace(-1, 1, height, dtype=np.float32), np.linspace(-1, 1, width, dtype=np.float32)
    slope = math.sin(angle) * down[:, np.newaxis] + math.cos(angle) * across
    return np.asarray((light * (1 - depth * slope[:, :, np.newaxis])).clip(0.02, 1) * 255 * inside, dtype=np.float32)


def _ellipse(size: tuple[int, ...], least: float, most: float, generator: np.random.Generator) -> NDArray[np.bool_]:
    """A random ellipse, bool [height, width], its radii from `least` to `most` of the sides."""
    height, width = size
    down = (np.arange(height) - generator.uniform(0, height)) / (generator.uniform(least, most) * height)
    across = (np.arange(width) - generator.uniform(0, width)) / (generator.uniform(least, most) * width)
    return np.asarray(down[:, np.newaxis] ** 2 + across**2 < 1)
