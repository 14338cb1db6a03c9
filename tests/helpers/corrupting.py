"""Six kinds of damage to a picture, each in five strengths: the same picture, kind, strength and seed give the same."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from fedge.images.picture import Picture

STRENGTHS = 5
# For pictures of 224 pixels a side; what a kind's five numbers are is said at its function.
NOISE = (20.0, 30.0, 45.0, 65.0, 95.0)
BLUR = (4.0, 6.0, 9.0, 13.0, 18.0)
BRIGHTNESS = (25.0, 50.0, 75.0, 100.0, 125.0)
CONTRAST = (0.6, 0.4, 0.3, 0.2, 0.1)
JPEG = (25, 15, 10, 6, 3)
ROTATION = (10.0, 20.0, 30.0, 40.0, 50.0)


def noise(picture: Picture, strength: int, generator: np.random.Generator) -> Picture:
    """Gaussian noise of its own in each pixel and channel; the standard deviation, of 255."""
    return _whole(picture + generator.normal(0, NOISE[strength], picture.shape))


def blur(picture: Picture, strength: int, generator: np.random.Generator) -> Picture:
    """A Gaussian blur; the standard deviation in pixels."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), BLUR[strength]), dtype=np.uint8)


def brightness(picture: Picture, strength: int, generator: np.random.Generator) -> Picture:
    """All pixels brighter or, as often, darker; the step, of 255."""
    return _whole(picture + generator.choice([-1, 1]) * BRIGHTNESS[strength])


def contrast(picture: Picture, strength: int, generator: np.random.Generator) -> Picture:
    """All pixels nearer to the picture's mean; what is left of their distance."""
    mean = picture.mean()
    return _whole(mean + (picture - mean) * CONTRAST[strength])


def jpeg(picture: Picture, strength: int, generator: np.random.Generator) -> Picture:
    """Compressed and decoded; OpenCV's quality."""
    data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG[strength]])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)


def rotation(picture: Picture, strength: int, generator: np.random.Generator) -> Picture:
    """Turned about its middle, one way or the other, in a frame that stays; what comes in is as the corner; degrees."""
    height, width = picture.shape[:2]
    angle = float(generator.choice([-1, 1])) * ROTATION[strength]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)
    corner = tuple(float(value) for value in picture[0, 0])
    return np.asarray(cv2.warpAffine(picture, matrix, (width, height), borderValue=corner), dtype=np.uint8)


CORRUPTIONS: dict[str, Callable[[Picture, int, np.random.Generator], Picture]] = {
    function.__name__: function for function in (noise, blur, brightness, contrast, jpeg, rotation)
}


def corrupted(picture: Picture, kind: str, strength: int, seed: int) -> Picture:
    """Damages a picture: uint8, [height, width, 3]; `strength` is 0 to 4, and `seed` decides what is random."""
    generator = np.random.default_rng([list(CORRUPTIONS).index(kind), strength, seed])
    return CORRUPTIONS[kind](picture, strength, generator)


def _whole(values: NDArray[np.float64]) -> Picture:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
