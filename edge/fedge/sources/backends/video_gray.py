"""The brightness plane of a video file: for a network that sees gray, leaving the colours out halves the work."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fedge.images.picture import Picture

Levels = NDArray[np.uint8]
"""Shape [256]: the gray that each value of the brightness plane stands for."""

# Most videos keep brightness in 16..235, as television does, some in 0..255; not all say which.
_NARROW: Levels = np.clip((np.arange(256) - 16) * (255 / 219), 0, 255).astype(np.uint8)
_FULL: Levels = np.arange(256, dtype=np.uint8)
# Mean differences over a frame, in steps of 256. The right levels are off by at most one step, FFmpeg's rounding, and
# by more only where RGB cannot hold a colour. The wrong levels are off by up to 16, but hardly near 113, so that a
# frame of such grays alone decides nothing.
_RIGHT, _WRONG = 1.5, 3.0
_PLANAR = frozenset(cv2.VideoWriter.fourcc(*name) for name in ("I420", "YV12"))


def brightness_levels(path: str) -> Levels | None:
    """The levels of a video file's brightness plane; None where its first frame, decoded both ways, shows none fit."""
    plane = _first_frame(path, colored=False)
    colored = _first_frame(path, colored=True) if plane is not None else None
    if plane is None or colored is None or plane.shape != colored.shape[:2]:
        return None
    gray = cv2.cvtColor(colored, cv2.COLOR_BGR2GRAY)
    (best, levels), (other, _) = sorted(
        ((float(cv2.absdiff(cv2.LUT(plane, levels), gray).mean()), levels) for levels in (_NARROW, _FULL)),
        key=lambda pair: pair[0],
    )
    return levels if best <= _RIGHT and other >= _WRONG else None


def ask_for_brightness(capture: cv2.VideoCapture) -> None:
    """Makes an opened file give its brightness planes: uint8, [h, w]; only for one that has `brightness_levels`."""
    capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)


def _first_frame(path: str, colored: bool) -> Picture | None:
    capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
    try:
        if not colored:
            # For other pixel formats OpenCV gives something else than a plane, or reads past its end.
            if int(capture.get(cv2.CAP_PROP_CODEC_PIXEL_FORMAT)) not in _PLANAR:
                return None
            ask_for_brightness(capture)
        ok, picture = capture.read()
        return np.asarray(picture, dtype=np.uint8) if ok else None
    finally:
        capture.release()
