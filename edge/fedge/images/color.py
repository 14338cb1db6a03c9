"""From blue-green-red to CIE Lab in 8 bits, as OpenCV scales it, by two tables of 66 KB in all.

OpenCV's own conversion keeps tables of 5 MB, a sixteenth of what the whole runner may take.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

# From linear sRGB, blue first, to X, Y and Z, each 1 for white (IEC 61966-2-1, D65).
_TO_XYZ = np.array([[0.1805, 0.3576, 0.4124], [0.0722, 0.7152, 0.2126], [0.9505, 0.1192, 0.0193]])
_TO_XYZ /= _TO_XYZ.sum(axis=1, keepdims=True)
# Fine enough: near black, where the response is steepest, one step of the table is a quarter of a step of the result.
_STEPS = 1 << 14


def _linear(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _response(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(values > 216 / 24389, np.cbrt(values), (24389 / 27 * values + 16) / 116)


_LINEAR = _linear(np.arange(256) / 255)
_RESPONSE = _response(np.arange(_STEPS + 1) / _STEPS).astype(np.float32)


def to_lab(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lightness (0..255) and the two chroma channels (128 for gray): uint8, [h, w, 3].

    Args:
        picture: uint8, [h, w, 3], blue-green-red.
    """
    xyz = np.asarray(cv2.transform(cv2.LUT(picture, _LINEAR), _TO_XYZ * _STEPS))
    x, y, z = np.moveaxis(_RESPONSE[np.rint(xyz).astype(np.int32)], 2, 0)
    lab = np.stack([2.55 * (116 * y - 16), 500 * (x - y) + 128, 200 * (y - z) + 128], axis=2)
    return np.asarray(np.clip(np.rint(lab), 0, 255), dtype=np.uint8)
