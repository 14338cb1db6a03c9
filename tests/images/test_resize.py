"""Making pictures small."""

import numpy as np
import pytest

from fedge.images.resize import halve, resize_longest


@pytest.mark.parametrize(
    ("shape", "halved"),
    [
        ((480, 640, 3), (240, 320, 3)),
        ((1080, 1920, 3), (135, 240, 3)),
        ((383, 383), (383, 383)),
        ((384, 384), (192, 192)),
        ((641, 479, 3), (320, 239, 3)),
        ((1, 4000), (1, 4000)),
    ],
)
def test_pictures_are_halved_down_to_twice_the_side(shape: tuple[int, ...], halved: tuple[int, ...]) -> None:
    assert halve(np.zeros(shape, np.uint8), 96).shape == halved


def test_halving_averages_four_pixels_each() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (400, 600, 3), dtype=np.uint8)
    means = picture.reshape(200, 2, 300, 2, 3).mean(axis=(1, 3))
    assert np.abs(halve(picture, 96) - means).max() <= 0.5


def test_shrinking_a_halved_picture_is_shrinking_the_picture() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    # Each step rounds to whole numbers, and a pixel that straddles two of the result is shared out after averaging.
    off = np.abs(resize_longest(halve(picture, 96), 96).astype(int) - resize_longest(picture, 96))
    assert off.mean() < 3 and off.max() < 20
