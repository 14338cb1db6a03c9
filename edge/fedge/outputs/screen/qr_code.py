"""A QR code in a terminal, for a telephone's camera."""

import cv2
import numpy as np

from fedge.outputs.screen.half_blocks import blocks

# White around the code, in modules; the standard (ISO/IEC 18004) asks for four, readers are content with two.
_MARGIN = 2


def qr_code(text: str, columns: int) -> list[str]:
    """The lines of a QR code, dark on light whatever the terminal's colours are; none where it is wider than it."""
    modules = np.asarray(cv2.QRCodeEncoder.create().encode(text), dtype=np.uint8)
    rows, across = np.nonzero(modules == 0)
    code = modules[rows.min() : rows.max() + 1, across.min() : across.max() + 1]
    padded = np.pad(code, _MARGIN, constant_values=255)
    if padded.shape[1] > columns:
        return []
    return blocks(padded[:, :, np.newaxis], padded.shape[1], padded.shape[0])
