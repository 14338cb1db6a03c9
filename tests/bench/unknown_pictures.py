"""Pictures of nothing that a garment classifier knows: digits, photographs of other things, and empty scenes."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from fedge.images.picture import Picture, read_picture

DIGITS = 300
DIGIT_SIDE = 160
SCENES = 60
WIDTH, HEIGHT = 320, 240
# scikit-image keeps its other pictures on a server; icons, drawings and second views are left out.
PHOTOGRAPHS = (
    "astronaut.png",
    "brick.png",
    "camera.png",
    "cell.png",
    "chelsea.png",
    "clock_motion.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "moon.png",
    "motorcycle_left.png",
    "page.png",
    "retina.jpg",
    "rocket.jpg",
    "text.png",
)


def digits() -> Iterator[Picture]:
    """scikit-learn's handwritten digits, enlarged: bright on black and dark on white in turns."""
    from sklearn.datasets import load_digits

    for number, digit in enumerate(load_digits().images[:DIGITS]):
        picture = np.asarray(cv2.resize(digit * (255 / 16), (DIGIT_SIDE, DIGIT_SIDE), interpolation=cv2.INTER_CUBIC))
        picture = picture.clip(0, 255).astype(np.uint8)
        yield picture if number % 2 else 255 - picture


def photographs() -> Iterator[Picture]:
    """The photographs in scikit-image's wheel, each whole and in four quarters."""
    import skimage

    for name in PHOTOGRAPHS:
        picture = read_picture(Path(skimage.__file__).parent / "data" / name)
        yield picture
        middle_row, middle_column = picture.shape[0] // 2, picture.shape[1] // 2
        for rows in (np.s_[:middle_row], np.s_[middle_row:]):
            for columns in (np.s_[:middle_column], np.s_[middle_column:]):
                yield np.ascontiguousarray(picture[rows, columns])


def empty_scenes(kind: str) -> Iterator[Picture]:
    """Scenes with nothing in them, each in colours of its own: `flat`, `gradient`, `noise` or `texture`."""
    for number in range(SCENES):
        generator = np.random.default_rng(number)
        color = generator.uniform(20, 235, 3)
        scene = np.broadcast_to(color, (HEIGHT, WIDTH, 3)) + _PATTERNS[kind](generator)[:, :, np.newaxis]
        # A camera's own noise: no real scene is one colour to the last bit.
        scene = scene + generator.normal(0, 2, scene.shape)
        yield scene.clip(0, 255).astype(np.uint8)


def _flat(generator: np.random.Generator) -> np.ndarray:
    return np.zeros((HEIGHT, WIDTH))


def _gradient(generator: np.random.Generator) -> np.ndarray:
    angle, strength = generator.uniform(0, 2 * np.pi), generator.uniform(20, 120)
    down, across = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    return strength * (np.cos(angle) * across + np.sin(angle) * down)


def _noise(generator: np.random.Generator) -> np.ndarray:
    return generator.normal(0, generator.uniform(10, 60), (HEIGHT, WIDTH))


def _texture(generator: np.random.Generator) -> np.ndarray:
    """Cloth, boards or tiles: smoothed noise, longer in one direction, or a grid, under uneven light."""
    strength = generator.uniform(10, 50)
    if generator.random() < 0.3:
        side = int(generator.integers(8, 40))
        rows, columns = np.indices((HEIGHT, WIDTH)) // side
        pattern = ((rows + columns) % 2).astype(np.float64)
    else:
        spread = generator.uniform(1, 12, 2)
        pattern = cv2.GaussianBlur(generator.normal(0, 1, (HEIGHT, WIDTH)), (0, 0), spread[0], sigmaY=spread[1])
    return strength * (pattern - pattern.mean()) / pattern.std() + 0.5 * _gradient(generator)


_PATTERNS = {"flat": _flat, "gradient": _gradient, "noise": _noise, "texture": _texture}
