"""What is refused of a picture by itself, and what is not."""

import cv2
import numpy as np
import pytest
from pictures_for_tests import room

from fedge.commands.capture.checks import BLURRED, OVEREXPOSED, TOO_BRIGHT, TOO_DARK, find_refusal, measure_quality
from fedge.images.picture import Picture
from fedge.options import LEAST_SHARPNESS

NUMBERS = range(8)


def blurred(picture: Picture, pixels: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), pixels), dtype=np.uint8)


def noisy(picture: Picture) -> Picture:
    noise = np.random.default_rng(1).normal(0, 3, picture.shape)
    return np.asarray(np.clip(picture + noise, 0, 255), dtype=np.uint8)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("width", [320, 640, 1920])
def test_a_sharp_well_lit_picture_is_kept_whatever_its_size(number: int, width: int) -> None:
    assert find_refusal(measure_quality(room(number, width, width * 3 // 4)), LEAST_SHARPNESS) is None


@pytest.mark.parametrize("number", NUMBERS)
def test_a_blurred_one_is_not_even_if_its_noise_is_sharp(number: int) -> None:
    # At half the size two pixels: as far out of focus as what is refused 96 times of 100 on photographs.
    out_of_focus = blurred(room(number), 4)
    assert find_refusal(measure_quality(out_of_focus), LEAST_SHARPNESS) is BLURRED
    assert find_refusal(measure_quality(noisy(out_of_focus)), LEAST_SHARPNESS) is BLURRED
    # Sharpness 0 means that blur does not matter.
    assert find_refusal(measure_quality(out_of_focus), 0) is None


@pytest.mark.parametrize("number", NUMBERS)
def test_a_small_thing_on_an_empty_table_is_sharp_or_blurred_too(number: int) -> None:
    table = np.full((480, 640, 3), 150, np.uint8)
    cv2.ellipse(table, (320, 240), (60, 40), 20 * number, 0, 360, (60, 90, 100), -1)
    assert find_refusal(measure_quality(noisy(table)), LEAST_SHARPNESS) is None
    assert find_refusal(measure_quality(noisy(blurred(table, 5))), LEAST_SHARPNESS) is BLURRED


def test_where_there_is_nothing_to_be_sharp_nothing_is_blurred() -> None:
    plain = noisy(np.full((480, 640, 3), 140, np.uint8))
    assert measure_quality(plain).sharpness is None
    assert find_refusal(measure_quality(plain), LEAST_SHARPNESS) is None


@pytest.mark.parametrize("number", NUMBERS)
def test_bad_light_is_refused(number: int) -> None:
    picture = room(number)
    assert find_refusal(measure_quality(picture // 6), LEAST_SHARPNESS) is TOO_DARK
    assert find_refusal(measure_quality(picture // 6 + 205), LEAST_SHARPNESS) is TOO_BRIGHT
    burnt = picture.copy()
    burnt[:200] = 255
    # 200 of 480 rows; the rest is as before.
    assert find_refusal(measure_quality(burnt), LEAST_SHARPNESS) is OVEREXPOSED
    burnt[100:200] = picture[100:200]
    assert find_refusal(measure_quality(burnt), LEAST_SHARPNESS) is None


def test_gray_pictures_are_judged_too() -> None:
    gray = np.asarray(cv2.cvtColor(room(0), cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    assert measure_quality(gray).sharpness == pytest.approx(measure_quality(room(0)).sharpness, rel=0.02)
