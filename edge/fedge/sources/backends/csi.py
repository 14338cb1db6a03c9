"""The Raspberry Pi's camera module, as the MJPEG stream that `rpicam-vid` writes to a pipe.

OpenCV does not open these cameras, and picamera2 is tied to the system's own Python; the pipe depends on neither.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator

from fedge.errors import SourceError
from fedge.images.preprocess import Recipe
from fedge.options import CameraOptions
from fedge.sources.backends.jpeg import decode_jpeg, split_pictures
from fedge.sources.base import Fault, Frame
from fedge.sources.view import View

PROGRAMS = ("rpicam-vid", "libcamera-vid")
SIZE = (640, 480)
FRAMES_PER_SECOND = 30
# How long the program may take to list the cameras.
LIST_SECONDS = 3.0
_CHUNK = 1 << 16
_STOP_SECONDS = 0.5


class CsiCamera:
    """Frames of the Pi's camera module; raises SourceError where the program that reads it is missing."""

    live = True
    moving = True

    def __init__(self, options: CameraOptions, recipe: Recipe | None = None) -> None:
        program = csi_program()
        if program is None:
            raise SourceError(
                f"{PROGRAMS[0]} is not there", "run `sudo apt-get install rpicam-apps` on Raspberry Pi OS"
            )
        command = [program, "--codec", "mjpeg", "--timeout", "0", "--nopreview"]
        # Without --flush a picture's last bytes wait for the next picture.
        command += ["--flush", "--output", "-"]
        command += ["--width", str(options.width or SIZE[0]), "--height", str(options.height or SIZE[1])]
        command += ["--framerate", f"{options.fps or FRAMES_PER_SECOND:g}"]
        self._view = View.of(options, recipe)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self._output = self._process.stdout

    def frames(self) -> Iterator[Frame | Fault]:
        """The frames in order; raises SourceError when the program ends, or the region is not inside its pictures."""
        count = 0
        with self._output:
            for data in split_pictures(lambda: os.read(self._output.fileno(), _CHUNK)):
                count += 1
                picture = decode_jpeg(data, self._view)
                yield picture if isinstance(picture, Fault) else Frame(picture, "csi")
        raise SourceError(f"the camera module stopped after {count} frames", "check its cable, and `rpicam-hello`")

    def close(self) -> None:
        """Ends the program, and so a read that blocks."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            # The whole process group, because a child of the program would hold the pipe open too.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
                return


def lists_a_camera() -> bool:
    """Whether the program that reads the camera module lists a camera; USB cameras it leaves out."""
    program = csi_program()
    if program is None:
        return False
    try:
        listed = subprocess.run(
            [program, "--list-cameras"], stdin=subprocess.DEVNULL, capture_output=True, timeout=LIST_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return re.search(rb"^\d+ : ", listed.stdout, re.MULTILINE) is not None


def csi_program() -> str | None:
    """The path of the program that reads the camera module, if it is installed."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)
