"""How a WebP picture is to be turned: OpenCV 4 does not follow its EXIF tag, OpenCV 5 does."""

import cv2
import numpy as np
from numpy.typing import NDArray

_ORIENTATION = 0x112
_MOST_ENTRIES = 1000


def is_webp(data: bytes) -> bool:
    """Whether the data begin as a WebP file."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def webp_orientation(data: bytes) -> int:
    """The EXIF orientation of a WebP file, 1 to 8; 1, upright, where it has none or a damaged one."""
    position = 12
    while position + 8 <= len(data):
        size = int.from_bytes(data[position + 4 : position + 8], "little")
        if data[position : position + 4] == b"EXIF":
            return _orientation(data[position + 8 : position + 8 + size].removeprefix(b"Exif\0\0"))
        position += 8 + size + size % 2
    return 1


def upright(picture: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """The picture, uint8 [h, w, 3], turned and mirrored as an EXIF orientation from 1 to 8 says."""
    # From 5 on the sides are exchanged; the pairs that follow mirror a side, both, or none.
    if orientation >= 5:
        picture = np.asarray(cv2.transpose(picture), dtype=np.uint8)
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return picture if flip is None else np.asarray(cv2.flip(picture, flip), dtype=np.uint8)


def _orientation(exif: bytes) -> int:
    order = {b"II": "little", b"MM": "big"}.get(exif[:2])

    def number(position: int, size: int) -> int:
        return int.from_bytes(exif[position : position + size], "little" if order == "little" else "big")

    if order is None or len(exif) < 8:
        return 1
    entries = number(4, 4)
    for index in range(min(number(entries, 2), _MOST_ENTRIES)):
        entry = entries + 2 + 12 * index
        if number(entry, 2) == _ORIENTATION:
            value = number(entry + 8, 2)
            return value if 1 <= value <= 8 else 1
    return 1
