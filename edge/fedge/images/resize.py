"""Making pictures small."""

import cv2
import numpy as np
from numpy.typing import NDArray


def halve(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The picture, uint8 [h, w] or [h, w, 3], halved while its longer side stays twice `side` or more.

    Averaging 2x2 pixels is many times faster than resizing by any other area, so a picture that is resized more than
    once, to a smaller size yet, is halved first.
    """
    while max(picture.shape[:2]) >= 4 * side and min(picture.shape[:2]) > 1:
        size = (picture.shape[1] // 2, picture.shape[0] // 2)
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return picture


def resize_longest(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The picture, uint8 [h, w] or [h, w, 3], with its longer side at most `side` pixels; never enlarged."""
    scale = side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
