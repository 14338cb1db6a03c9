"""Choosing the pictures that ranges are read from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fedge.data.dataset import Split, stratified_sample
from fedge.system.files import sha256

PICTURES = 500
# A backbone has seen a million photographs, and takes 20 times as long for each.
BACKBONE_PICTURES = 200


@dataclass(frozen=True)
class CalibrationSet:
    """Training pictures, stratified and seeded: uint8 [n, height, width, channels], and the SHA-256 of their bytes."""

    images: NDArray[np.uint8]
    sha256: str


def calibration_set(train: Split, seed: int, most: int = PICTURES) -> CalibrationSet:
    """Chooses the calibration pictures, `most` at most, from the training split, never from another."""
    images = train.images[stratified_sample(train.labels, min(most, len(train)), seed)].copy()
    # The input's scale is 1/255 by contract, so black and white must both be seen: two pixels of 500 pictures.
    images[0, 0, 0], images[0, 0, 1] = 0, 255
    return CalibrationSet(images, sha256(images.tobytes()))
