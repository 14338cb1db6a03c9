"""The network's input as a picture for people."""

import cv2
import numpy as np

from fedge.preprocess import Picture


def viewable(image: Picture) -> Picture:
    """An input, uint8 [h, w, 1] or [h, w, 3] red-green-blue, as a picture: [h, w], or [h, w, 3] blue-green-red."""
    return image[:, :, 0] if image.shape[2] == 1 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), dtype=np.uint8)
