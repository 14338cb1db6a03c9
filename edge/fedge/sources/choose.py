"""From what the user typed to a source."""

import re
import shutil
from pathlib import Path

from fedge.errors import SourceError
from fedge.pictures import is_picture
from fedge.sources.csi import PROGRAMS, CsiCamera
from fedge.sources.files import PictureFiles, find_pictures
from fedge.sources.frame import Source
from fedge.sources.newest import NewestFrames
from fedge.sources.video import VideoSource

FIRST_FRAME_SECONDS = 5.0
_VIDEO_SUFFIXES = frozenset(
    {".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v", ".mjpeg", ".mjpg", ".mpg", ".mpeg", ".ts"}
)


def open_source(source: str) -> Source:
    """Opens a picture, a folder, a glob pattern, a video file or a URL; raises SourceError."""
    if "://" in source:
        return NewestFrames(VideoSource(source, live=True))
    path = Path(source)
    if path.is_file() and not is_picture(path) and path.suffix.lower() in _VIDEO_SUFFIXES:
        return VideoSource(source, live=False)
    return PictureFiles(find_pictures(source))


def open_camera(device: str | None) -> Source:
    """Opens a camera: an index, a /dev path, `csi`, a URL, or (None) the first that works; raises SourceError."""
    if device is None:
        return _first_camera()
    if device == "csi":
        return NewestFrames(CsiCamera())
    if "://" in device:
        return NewestFrames(VideoSource(device, live=True))
    number = re.fullmatch(r"(?:/dev/video)?(\d+)", device)
    if number is None:
        raise SourceError(f"{device!r} is no camera", "give an index, a /dev/video path, csi or a URL")
    return NewestFrames(VideoSource(int(number[1]), live=True))


def _first_camera() -> Source:
    devices = sorted(Path("/dev").glob("video[0-9]*"), key=lambda path: int(path.name.removeprefix("video")))
    for path in devices:
        camera = _opened(path)
        # Many /dev/video nodes open but never give a frame.
        if camera and camera.gives_a_frame(FIRST_FRAME_SECONDS):
            return camera
        if camera:
            camera.close()
    if any(map(shutil.which, PROGRAMS)):
        return NewestFrames(CsiCamera())
    tried = ", ".join(map(str, devices)) or "none: there is no /dev/video*"
    raise SourceError(
        f"no camera gives a picture (tried {tried})",
        "plug one in, on Raspberry Pi OS install rpicam-apps for the camera module, or name one with --device",
    )


def _opened(path: Path) -> NewestFrames | None:
    try:
        return NewestFrames(VideoSource(int(path.name.removeprefix("video")), live=True))
    except SourceError:
        return None
