"""Video files, network streams and V4L2 cameras, through OpenCV."""

from collections.abc import Iterator
from pathlib import Path
from threading import Lock

import cv2
import numpy as np

from fedge.errors import SourceError
from fedge.images.picture import Picture
from fedge.images.preprocess import Recipe
from fedge.options import AS_IT_COMES, CameraOptions
from fedge.sources.address import display_name
from fedge.sources.backends.jpeg import decode_picture
from fedge.sources.backends.v4l2 import own_size
from fedge.sources.backends.video_gray import Levels, ask_for_brightness, brightness_levels
from fedge.sources.base import OPEN_SECONDS, Fault, Frame
from fedge.sources.view import View

READ_SECONDS = 3.0
_MJPEG = cv2.VideoWriter.fourcc(*"MJPG")
_ENCODED = -1


class VideoSource:
    """Frames of anything that OpenCV opens.

    JPEG frames are taken as they are and decoded here, as the view allows; of other files only the brightness is
    decoded where the view needs no more.

    Args:
        target: a path, a URL, or a camera's index.
        live: whether it is a camera or a stream, rather than a file to be read to its end.
        options: what is asked of it; `unlike` then says what a camera gives instead, or is empty.
        open_seconds: how long opening a stream may take.
        recipe: the model's, where only the model sees the frames.
    """

    moving = True

    def __init__(
        self,
        target: str | int,
        live: bool,
        options: CameraOptions = AS_IT_COMES,
        open_seconds: float = OPEN_SECONDS,
        recipe: Recipe | None = None,
    ) -> None:
        self.live = live
        self.name = display_name(target)
        self._view = View.of(options, recipe)
        self._reading, self._closed = Lock(), False
        self._capture = _open(target, open_seconds)
        if not self._capture.isOpened():
            raise SourceError(f"{self.name} cannot be opened", _mend(target))
        self.unlike = ""
        if isinstance(target, int):
            _configure(self._capture, options)
            self.unlike = _unlike_what_was_asked(self.name, self._capture, options)
        self._levels: Levels | None = None
        if int(self._capture.get(cv2.CAP_PROP_FOURCC)) == _MJPEG:
            _ask_for_jpegs(self._capture, camera=isinstance(target, int))
        elif isinstance(target, str) and "://" not in target and self._view.gray:
            self._levels = brightness_levels(target)
            if self._levels is not None:
                ask_for_brightness(self._capture)

    def frames(self) -> Iterator[Frame | Fault]:
        """The frames in order; raises SourceError where there is not even one, or a live source ends.

        A region that is not inside the first picture is an error, in a later one that is smaller it is a fault.
        """
        given, fault = 0, ""
        while True:
            with self._reading:
                ok, data = self._capture.read() if not self._closed else (False, None)
                position = None if self.live else _position(self._capture)
            if not ok or data is None:
                break
            try:
                picture = self._picture(np.asarray(data, dtype=np.uint8))
            except SourceError as error:
                if not given:
                    raise
                picture = Fault("region", error.what)
            if isinstance(picture, Fault):
                fault = f" ({picture.message})"
                yield picture
            else:
                given += 1
                yield Frame(picture, self.name, position=position)
        if self._closed:
            self.close()
        elif not given:
            raise SourceError(f"{self.name} gives no frame{fault}", "check that it is a video that OpenCV can decode")
        elif self.live:
            raise SourceError(f"{self.name} stopped after {given} frames", "check the camera, its cable or the network")

    def gives_a_frame(self) -> bool:
        """Whether the next read succeeds; that frame is lost."""
        with self._reading:
            return self._capture.grab()

    def close(self) -> None:
        """Lets go of the device or connection; where a read is under way, when that ends."""
        self._closed = True
        # OpenCV crashes where a capture is released in the middle of a read.
        if self._reading.acquire(blocking=False):
            try:
                self._capture.release()
            finally:
                self._reading.release()

    def _picture(self, data: Picture) -> Picture | Fault:
        if data.ndim == 2 and 1 in data.shape:
            return decode_picture(data.tobytes(), self._view)
        reduced = self._view.reduce(data)
        return reduced if self._levels is None else np.asarray(cv2.LUT(reduced, self._levels), dtype=np.uint8)


def _open(target: str | int, open_seconds: float) -> cv2.VideoCapture:
    if isinstance(target, int):
        # OpenCV sets 640x480 otherwise, whatever the camera was set to.
        own = own_size(Path(f"/dev/video{target}")) or ()
        sides = zip((cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT), own, strict=False)
        return cv2.VideoCapture(target, cv2.CAP_V4L2, [number for side in sides for number in side])
    if "://" not in target:
        return cv2.VideoCapture(target)
    timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(open_seconds * 1e3)]
    timeouts += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(READ_SECONDS * 1e3)]
    return cv2.VideoCapture(target, cv2.CAP_FFMPEG, timeouts)


def _configure(capture: cv2.VideoCapture, options: CameraOptions) -> None:
    # USB cameras reach their full rate in large pictures only as JPEG; one that has no JPEG ignores the request.
    capture.set(cv2.CAP_PROP_FOURCC, _MJPEG)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    wanted = {
        cv2.CAP_PROP_FRAME_WIDTH: options.width,
        cv2.CAP_PROP_FRAME_HEIGHT: options.height,
        cv2.CAP_PROP_FPS: options.fps,
    }
    for setting, value in wanted.items():
        if value is not None:
            capture.set(setting, value)


def _unlike_what_was_asked(name: str, capture: cv2.VideoCapture, options: CameraOptions) -> str:
    width, height = (round(capture.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    fps = capture.get(cv2.CAP_PROP_FPS)
    asked = ((options.width, width, 0), (options.height, height, 0), (options.fps, fps, 0.5))
    if all(wanted is None or abs(wanted - given) <= slack for wanted, given, slack in asked):
        return ""
    size = f"{options.width or width}x{options.height or height}"
    code = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little").decode("ascii", "replace")
    at = f" at {options.fps:g}" if options.fps else ""
    return f"{name} gives {width}x{height} at {fps:g} frames/s as {code}, not the {size}{at} that was asked"


def _position(capture: cv2.VideoCapture) -> float:
    # Raw H.264 and H.265 have no times; OpenCV then gives 0 for every frame.
    seconds = capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3
    fps = capture.get(cv2.CAP_PROP_FPS)
    return seconds if seconds or fps <= 0 else (capture.get(cv2.CAP_PROP_POS_FRAMES) - 1) / fps


def _ask_for_jpegs(capture: cv2.VideoCapture, camera: bool) -> None:
    capture.set(*((cv2.CAP_PROP_CONVERT_RGB, 0) if camera else (cv2.CAP_PROP_FORMAT, _ENCODED)))


def _mend(target: str | int) -> str:
    if isinstance(target, int):
        return "check that it is plugged in, that no other program uses it, and that you are in the group `video`"
    return "check the address and the network" if "://" in target else "check that it is a video file"
