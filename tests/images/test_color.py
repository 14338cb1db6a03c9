"""The conversion to Lab against OpenCV's own."""

import cv2
import numpy as np

from fedge.images.color import to_lab


def test_it_is_opencvs_conversion_but_for_a_rounding() -> None:
    every = np.stack(np.meshgrid(*[np.arange(0, 256, 5)] * 3), axis=-1).reshape(52, -1, 3).astype(np.uint8)
    off = np.abs(to_lab(every).astype(int) - cv2.cvtColor(every, cv2.COLOR_BGR2LAB))
    # OpenCV interpolates in a table of 33 colours a side: a step of 255, in a few colours two.
    assert off.max() <= 2 and (off > 1).mean() < 1e-3


def test_gray_has_no_colour_and_lightness_rises_with_it() -> None:
    gray = np.repeat(np.arange(256, dtype=np.uint8)[np.newaxis, :, np.newaxis], 3, axis=2)
    lab = to_lab(gray)[0]
    assert (lab[:, 1:] == 128).all() and (np.diff(lab[:, 0].astype(int)) >= 0).all()
    assert lab[0, 0] == 0 and lab[255, 0] == 255
