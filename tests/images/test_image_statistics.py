"""What pictures look like, and saying how far two sets are apart."""

import cv2
import numpy as np
import pytest

from fedge.images.image_statistics import NOTHING, ImageStatistics, Spread, describe_shift, image_statistics, shift
from fedge.images.picture import Picture
from fedge.images.preprocess import Recipe

GRAY = Recipe(64, 64)


def pictures(count: int = 20, low: float = 60, high: float = 180) -> list[Picture]:
    generator = np.random.default_rng(0)
    return [generator.uniform(low, high, (64, 64, 1)).astype(np.uint8) for _ in range(count)]


def blurred(images: list[Picture]) -> list[Picture]:
    return [cv2.GaussianBlur(image, (0, 0), 1.5)[:, :, np.newaxis] for image in images]


def test_the_measures_are_what_they_say() -> None:
    seen = image_statistics(GRAY, pictures())
    # Uniform from 60 to 180: mean 120, standard deviation 120 / sqrt(12); 4096 pixels a picture, truncated to integers.
    assert seen.brightness.mean == pytest.approx(119.5 / 255, abs=0.005)
    assert seen.contrast.mean == pytest.approx(120 / 12**0.5 / 255, rel=0.02)
    # The Laplacian of white noise has a variance of 4 * 4 + 4 times the noise's.
    assert seen.sharpness.mean == pytest.approx(20**0.5, rel=0.02)


def test_each_change_moves_its_own_measure() -> None:
    normal = image_statistics(GRAY, pictures())
    dark = image_statistics(GRAY, [(image // 2).astype(np.uint8) for image in pictures()])
    assert dark.brightness.mean < 0.6 * normal.brightness.mean
    # Halving rounds to whole steps, a thirtieth of the deviation at most.
    assert dark.sharpness.mean == pytest.approx(normal.sharpness.mean, rel=1 / 30)
    assert image_statistics(GRAY, pictures(low=110, high=130)).contrast.mean < 0.3 * normal.contrast.mean
    assert image_statistics(GRAY, blurred(pictures())).sharpness.mean < 0.5 * normal.sharpness.mean


def test_black_around_the_object_and_black_pictures_do_not_count() -> None:
    inside = pictures()
    padded = [np.pad(image, ((32, 32), (32, 32), (0, 0))) for image in inside]
    alone, around = image_statistics(GRAY, inside), image_statistics(GRAY, [*padded, np.zeros((128, 128, 1), np.uint8)])
    assert around.brightness == alone.brightness and around.contrast == alone.contrast
    # Without padding OpenCV mirrors the edge's pixels; here the outermost ring, 4 in 64, is left out.
    assert around.sharpness.mean == pytest.approx(alone.sharpness.mean, rel=4 / 64)


def test_pictures_that_show_nothing_are_not_compared() -> None:
    nothing = image_statistics(GRAY, [np.zeros((64, 64, 1), np.uint8)])
    assert nothing == NOTHING
    assert (
        shift(nothing, image_statistics(GRAY, pictures())) == {} == shift(image_statistics(GRAY, pictures()), nothing)
    )
    assert describe_shift({}).startswith("the pictures show nothing")


def test_a_negated_object_is_as_bright_as_it_was_photographed() -> None:
    negating = Recipe(64, 64, polarity="dark-background")
    bright = pictures(low=150, high=250)
    negated = [(255 - image).astype(np.uint8) for image in bright]
    assert image_statistics(negating, negated).brightness.mean == pytest.approx(
        image_statistics(GRAY, bright).brightness.mean
    )


def test_the_soft_outline_of_a_cut_out_is_not_measured() -> None:
    """A dark object in less light is darker and lower in contrast; its sharpness is what it was."""
    negating = Recipe(64, 64, polarity="dark-background")
    disc = np.zeros((512, 512), np.uint8)
    cv2.circle(disc, (256, 256), 200, 255, -1)
    mask = cv2.resize(disc, (64, 64), interpolation=cv2.INTER_AREA) / 255

    def shown(light: float) -> list[Picture]:
        return [
            ((255 - image[:, :, 0] * light) * mask).round().astype(np.uint8)[:, :, np.newaxis] for image in pictures()
        ]

    bright, dim = image_statistics(negating, shown(1.0)), image_statistics(negating, shown(0.3))
    assert dim.brightness.mean == pytest.approx(0.3 * bright.brightness.mean, rel=0.02)
    assert dim.contrast.mean == pytest.approx(0.3 * bright.contrast.mean, rel=0.05)
    assert dim.sharpness.mean == pytest.approx(bright.sharpness.mean, rel=0.05)


def test_color_is_read_as_red_green_blue() -> None:
    red = np.zeros((64, 64, 3), np.uint8)
    red[:, :, 0] = 255
    # Rec. 601: red is 0.299 of gray, blue 0.114.
    assert image_statistics(Recipe(64, 64, "rgb"), [red]).brightness.mean == pytest.approx(0.299, abs=1 / 255)


def test_weights_count() -> None:
    light, dark = pictures(10, 200, 220), pictures(10, 20, 40)
    weights = np.repeat([1.0, 3.0], 10)
    expected = (210 + 3 * 30) / 4 / 255
    assert image_statistics(GRAY, [*light, *dark], weights).brightness.mean == pytest.approx(expected, abs=1 / 255)


def test_a_shift_is_counted_in_the_training_pictures_deviations_and_said() -> None:
    trained = ImageStatistics(Spread(0.5, 0.1), Spread(0.2, 0.05), Spread(2.0, 0.5))
    here = ImageStatistics(Spread(0.44, 0.3), Spread(0.2, 0.3), Spread(1.0, 0.3))
    shifts = shift(here, trained)
    assert shifts == pytest.approx({"brightness": -0.6, "contrast": 0.0, "sharpness": -2.0})
    assert describe_shift(shifts) == "the pictures are darker and much more blurred than those that it learned from"
    assert describe_shift({"brightness": 0.6}) == "the pictures are brighter than those that it learned from"
    assert describe_shift({"brightness": 0.4}) == "the pictures look like those that it learned from"
