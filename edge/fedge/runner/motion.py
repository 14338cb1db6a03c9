"""Which frames need an answer of their own: a still scene keeps the answer that it has."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fedge.images.picture import Picture
from fedge.options import WhenOptions
from fedge.sources.base import Frame

# Of the longer side every so many-th pixel is looked at, then averaged over cells.
_SAMPLES, _CELLS = 160, 20
# Steps of 256 by which a cell's mean must change. A camera's noise of 8 steps a pixel, averaged over the 64 samples of
# a cell, moves the difference of two by 1.4 steps; of the 900 means of 1,800 frames one in a few is off by 7.
_LEAST_CHANGE = 8
# A scene that has come to rest is looked at for a while yet: the decision is to rest on pictures without motion.
_REST_SECONDS = 1.0


class Gate:
    """Says of each frame whether it is to be classified.

    Args:
        when: `motion`, or a least time between two, or always.
        window_seconds: how long the decision looks back.
    """

    def __init__(self, when: WhenOptions, window_seconds: float) -> None:
        self._when, self._rest = when, window_seconds + _REST_SECONDS
        self._seen: Picture | None = None
        self._moved = self._answered = -np.inf

    def is_open(self, frame: Frame) -> bool:
        """Whether the frame is to be classified; where the clock of its source goes back, it is."""
        if self._when.every is not None:
            due = not 0 <= frame.moment - self._answered < self._when.every
            self._answered = frame.moment if due else self._answered
            return due
        if not self._when.motion:
            return True
        small = _cells(frame.picture)
        if self._seen is None or self._seen.shape != small.shape or _changed(self._seen, small):
            # What changes slowly differs from this one some time, though never from the one before.
            self._seen, self._moved = small, frame.moment
        return bool(0 <= frame.moment - self._moved < self._rest)


def _cells(picture: Picture) -> NDArray[np.uint8]:
    step = max(1, max(picture.shape[:2]) // _SAMPLES)
    few = (max(1, picture.shape[1] // step), max(1, picture.shape[0] // step))
    samples = cv2.resize(picture, few, interpolation=cv2.INTER_NEAREST)
    scale = _CELLS / max(samples.shape[:2])
    size = (max(1, round(samples.shape[1] * scale)), max(1, round(samples.shape[0] * scale)))
    return np.asarray(cv2.resize(samples, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _changed(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    return bool(cv2.absdiff(one, other).max() >= _LEAST_CHANGE)
