"""Which frames need an answer of their own: a still scene keeps the answer that it has."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fedge.images.picture import Picture
from fedge.options import WhenOptions
from fedge.sources.base import Frame

# How many pixels of the longer side are sampled, and how many cells they are averaged over; the shorter side alike.
_SAMPLES, _CELLS = 160, 20
# Steps of 256 by which a cell's mean must change. Camera noise of standard deviation 8 is 8 / sqrt(64) = 1 in the mean
# of a cell's 64 samples, and 1.4 in the difference of two. Of 1,800 frames' 900 means (20 x 15 cells, 3 channels), by
# the normal distribution, about one differs by 7, and in one of 40 such sequences one by 8.
_LEAST_CHANGE = 8
# After the last motion, frames are classified for the decision's window and so much longer: the decision that is kept
# then comes from frames without motion.
_REST_SECONDS = 1.0


class Gate:
    """Says of each frame whether it is to be classified.

    Args:
        when: which frames are to be classified.
        window_seconds: how long the decision looks back.
    """

    def __init__(self, when: WhenOptions, window_seconds: float) -> None:
        self._when, self._rest = when, window_seconds + _REST_SECONDS
        self._seen: Picture | None = None
        self._moved = self._answered = -np.inf

    def is_open(self, frame: Frame) -> bool:
        """Whether the frame is to be classified; with `every` also where the source's clock has gone back."""
        if self._when.every is not None:
            due = not 0 <= frame.moment - self._answered < self._when.every
            self._answered = frame.moment if due else self._answered
            return due
        if not self._when.motion:
            return True
        small = _cells(frame.picture)
        if self._seen is None or self._seen.shape != small.shape or _changed(self._seen, small):
            # The frame of the last motion is kept, not the one before: slow changes add up until they count.
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
