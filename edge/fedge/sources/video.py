"""Video files, network streams and V4L2 cameras, through OpenCV."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from fedge.errors import SourceError
from fedge.sources.frame import Frame

OPEN_TIMEOUT_MS = 5_000
READ_TIMEOUT_MS = 5_000


class VideoSource:
    """Frames of anything that OpenCV opens.

    Args:
        target: a path, a URL, or a camera's index.
        live: whether it is a camera or a stream, rather than a file to be read to its end.
    """

    def __init__(self, target: str | int, live: bool) -> None:
        self.live = live
        self.name = f"camera {target}" if isinstance(target, int) else target
        self._capture = _open(target)
        if not self._capture.isOpened():
            raise SourceError(f"{self.name} cannot be opened", _mend(target))

    def frames(self) -> Iterator[Frame]:
        """The frames in order; raises SourceError where there is not even one, or a live source ends."""
        count = 0
        while True:
            ok, picture = self._capture.read()
            if not ok:
                break
            count += 1
            yield Frame(np.asarray(picture, dtype=np.uint8), self.name)
        if not count:
            raise SourceError(f"{self.name} gives no frame", "check that it is a video that OpenCV can decode")
        if self.live:
            raise SourceError(f"{self.name} stopped after {count} frames", "check the camera, its cable or the network")

    def close(self) -> None:
        """Lets go of the device or connection."""
        self._capture.release()


def _open(target: str | int) -> cv2.VideoCapture:
    if isinstance(target, int):
        return cv2.VideoCapture(target, cv2.CAP_V4L2)
    if Path(target).exists():
        return cv2.VideoCapture(target)
    timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT_MS]
    return cv2.VideoCapture(target, cv2.CAP_FFMPEG, timeouts)


def _mend(target: str | int) -> str:
    if isinstance(target, int):
        return "check that it is plugged in, that no other program uses it, and that you are in the group `video`"
    return "check the address and the network" if "://" in target else "check that it is a video file"
