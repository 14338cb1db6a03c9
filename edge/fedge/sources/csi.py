"""The Raspberry Pi's camera module, as the MJPEG stream that `rpicam-vid` writes to a pipe.

OpenCV does not open these cameras, and picamera2 is tied to the system's own Python; the pipe depends on neither.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator

import cv2
import numpy as np

from fedge.errors import SourceError
from fedge.sources.frame import Frame

PROGRAMS = ("rpicam-vid", "libcamera-vid")
SIZE = (640, 480)
FRAMES_PER_SECOND = 30
_START, _END = b"\xff\xd8", b"\xff\xd9"
_CHUNK = 1 << 16
_LARGEST_FRAME = 16 << 20
_STOP_SECONDS = 2.0


class CsiCamera:
    """Frames of the Pi's camera module; raises SourceError where the program that reads it is missing."""

    live = True

    def __init__(self) -> None:
        program = next(filter(None, map(shutil.which, PROGRAMS)), None)
        if program is None:
            raise SourceError(
                f"{PROGRAMS[0]} is not there", "run `sudo apt-get install rpicam-apps` on Raspberry Pi OS"
            )
        command = [program, "--codec", "mjpeg", "--timeout", "0", "--nopreview", "--output", "-"]
        command += ["--width", str(SIZE[0]), "--height", str(SIZE[1]), "--framerate", str(FRAMES_PER_SECOND)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._process.stdout is not None
        self._output = self._process.stdout.fileno()

    def frames(self) -> Iterator[Frame]:
        """The frames in order; raises SourceError when the program ends."""
        count = 0
        for data in self._jpegs():
            picture = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
            if picture is not None:
                count += 1
                yield Frame(np.asarray(picture, dtype=np.uint8), "csi")
        raise SourceError(f"the camera module stopped after {count} frames", "check its cable, and `rpicam-hello`")

    def close(self) -> None:
        """Ends the program."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _jpegs(self) -> Iterator[bytes]:
        buffer = b""
        while chunk := os.read(self._output, _CHUNK):
            buffer += chunk
            while (end := buffer.find(_END)) >= 0:
                start = buffer.find(_START, 0, end)
                if start >= 0:
                    yield buffer[start : end + 2]
                buffer = buffer[end + 2 :]
            if len(buffer) > _LARGEST_FRAME:
                buffer = b""
