"""A video of what was seen, with the answers drawn into it."""

from collections import deque
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from fedge.errors import OutputError
from fedge.images.picture import Picture
from fedge.images.preprocess import Recipe
from fedge.options.outputs import VIDEO_CODECS
from fedge.outputs.base import NeverTaken, Output
from fedge.outputs.screen.window import draw
from fedge.runner.result import Result
from fedge.system.console import echo
from fedge.system.files import replacing

# So many moments tell the rate of the frames.
_FIRST_FRAMES = 8
_LEAST_RATE, _MOST_RATE = 1.0, 60.0
# Writers buffer: how much of a video is on the disk is asked for only so often.
_FRAMES_PER_LOOK = 32


class VideoFile(Output):
    """Writes frames with region and answer, at the rate at which they were taken; complete once it is closed.

    A frame that was left out is filled in by the one before, so that the video runs as time did; pictures that are no
    video stand for a second each. All have the first one's size: others are fitted into it, on black. Raises
    OutputError.

    Args:
        path: the video; its suffix, one of `VIDEO_CODECS`, chooses its kind. It may not exist.
        limit_bytes: at which it ends.
        recipe: the model's preprocessing, for the region.
        moving: whether frames are of a video or a camera.
    """

    name, wants_pictures = "save", True
    # A second of a camera's pictures.
    backlog = 30
    end_seconds = 10.0

    def __init__(self, path: Path, limit_bytes: int, recipe: Recipe, moving: bool) -> None:
        self._path, self._limit, self._recipe, self._moving = path, limit_bytes, recipe, moving
        if path.exists():
            raise OutputError(f"{path} is there already", "give --save another name, or remove it")
        self._first: deque[Result] = deque()
        self._opened = ExitStack()
        try:
            self._part = self._opened.enter_context(replacing(path))
        except OSError as error:
            raise OutputError(f"{path} cannot be written ({error.strerror})", "give --save another path") from error
        self._writer: cv2.VideoWriter | None = None
        self._rate, self._began, self._written = _LEAST_RATE, 0.0, 0
        self._size = (0, 0)
        self._last: Picture | None = None
        self._full = False

    def wants(self, result: Result) -> bool:
        """Every frame, until the video is full."""
        return not self._full

    def show(self, result: Result) -> None:
        """Takes a frame; raises OutputError where it cannot be written, and NeverTaken once the video is full."""
        if self._full:
            raise NeverTaken(f"{self._path} has {self._limit / 1e6:g} MB", "allow more with --save-mb")
        if self._writer is None:
            self._first.append(result)
            if self._moving and len(self._first) < _FIRST_FRAMES:
                return
            self._open()
        else:
            self._write(result)

    def close(self) -> None:
        """Ends the video; without a frame there is none."""
        try:
            with self._opened:
                if self._first:
                    self._open()
                if self._writer is None:
                    raise OutputError("no frame came", "check the camera")
                self._writer.release()
                # OpenCV does not say what could not be written.
                if _frames(self._part) < self._written:
                    raise OutputError("the disk did not take all of it", "make room")
        except (OSError, OutputError) as error:
            echo(f"there is no {self._path}: {error}")

    def _open(self) -> None:
        moments = [each.frame.moment for each in self._first]
        steps = [after - before for before, after in pairwise(moments) if after > before]
        if self._moving and steps:
            self._rate = min(max(1 / median(steps), _LEAST_RATE), _MOST_RATE)
        self._began = moments[0]
        picture = draw(self._first[0], self._recipe)
        # Codecs want even sides.
        self._size = (picture.shape[1] // 2 * 2, picture.shape[0] // 2 * 2)
        codec = cv2.VideoWriter.fourcc(*VIDEO_CODECS[self._path.suffix.lower()])
        self._writer = cv2.VideoWriter(str(self._part), cv2.CAP_FFMPEG, codec, self._rate, self._size)
        if not self._writer.isOpened():
            raise OutputError(f"{self._path} cannot be written as a video", "check the disk, or give --save an .avi")
        while self._first:
            self._write(self._first.popleft())

    def _write(self, result: Result) -> None:
        assert self._writer is not None
        if self._moving:
            due = round((result.frame.moment - self._began) * self._rate)
            if due < self._written:
                return
            # After a stall there is nothing to be seen: it is not filled in for longer than a minute.
            gap = due - self._written
            if gap > 60 * self._rate:
                self._began += (gap - 1) / self._rate
                gap = 1
            for _ in range(gap if self._last is not None else 0):
                self._add(self._last)
        self._last = _fitted(draw(result, self._recipe), self._size)
        self._add(self._last)

    def _add(self, picture: Picture | None) -> None:
        assert self._writer is not None and picture is not None
        self._writer.write(picture)
        self._written += 1
        if self._written % _FRAMES_PER_LOOK == 0:
            self._full = self._part.stat().st_size >= self._limit


def _frames(path: Path) -> int:
    """How many frames a video says it has."""
    return int(cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT))


def _fitted(picture: Picture, size: tuple[int, int]) -> Picture:
    """The picture in `size` (width, height), its proportions kept, on black."""
    width, height = size
    if picture.shape[1::-1] == size:
        return picture
    scale = min(width / picture.shape[1], height / picture.shape[0])
    inner = (min(width, round(picture.shape[1] * scale)), min(height, round(picture.shape[0] * scale)))
    canvas = np.zeros((height, width, 3), np.uint8)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = cv2.resize(picture, inner, interpolation=cv2.INTER_AREA)
    return canvas
