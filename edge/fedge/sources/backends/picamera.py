"""The Raspberry Pi's camera module through picamera2, where the system's Python has that but not `rpicam-vid`."""

import importlib
import importlib.util
from collections.abc import Iterator
from threading import Lock

import numpy as np

from fedge.images.preprocess import Recipe
from fedge.options import CameraOptions
from fedge.sources.backends.csi import FRAMES_PER_SECOND, SIZE
from fedge.sources.base import Frame
from fedge.sources.view import View


class Picamera2Camera:
    """Frames of the Pi's camera module."""

    live = True
    moving = True

    def __init__(self, options: CameraOptions, recipe: Recipe | None = None) -> None:
        self._view = View.of(options, recipe)
        self._lock = Lock()
        self._begun = self._closed = False
        self._camera = importlib.import_module("picamera2").Picamera2()
        # What picamera2 calls RGB888 lies in memory blue first.
        picture = {"format": "RGB888", "size": (options.width or SIZE[0], options.height or SIZE[1])}
        rate = {"FrameRate": options.fps or FRAMES_PER_SECOND}
        try:
            self._camera.configure(self._camera.create_video_configuration(main=picture, controls=rate))
            self._camera.start()
        except BaseException:
            # Otherwise the next attempt would find the camera in use.
            self._camera.close()
            raise

    def frames(self) -> Iterator[Frame]:
        """The frames in order, until the camera is closed."""
        with self._lock:
            if self._closed:
                return
            self._begun = True
        try:
            while not self._closed:
                picture = np.asarray(self._camera.capture_array("main"), dtype=np.uint8)
                yield Frame(self._view.reduce(picture), "csi")
        finally:
            self._camera.close()

    def close(self) -> None:
        """Ends the frames; once those have begun, the camera is let go by the thread that reads it."""
        with self._lock:
            idle = not self._begun and not self._closed
            self._closed = True
        if idle:
            self._camera.close()


def has_picamera2() -> bool:
    """Whether picamera2 can be imported."""
    return importlib.util.find_spec("picamera2") is not None
