"""From what the user typed to a source."""

import re
from functools import partial
from pathlib import Path, PurePosixPath

from fedge.errors import SourceError
from fedge.images.picture import is_animation, is_picture, looks_like_a_picture, looks_like_a_video
from fedge.images.preprocess import Recipe
from fedge.options import AS_IT_COMES, CameraOptions, FaultLimits, parse_device
from fedge.sources.address import display_name, require_no_address, split_address
from fedge.sources.backends.csi import CsiCamera, csi_program, lists_a_camera
from fedge.sources.backends.files import PictureFiles, find_pictures
from fedge.sources.backends.picamera import Picamera2Camera, has_picamera2
from fedge.sources.backends.v4l2 import DEVICES, video_devices, why_not
from fedge.sources.backends.video import VideoSource
from fedge.sources.base import Monitor, Source, Unmonitored
from fedge.sources.live import LiveSource
from fedge.sources.read_ahead import ReadAhead
from fedge.sources.view import View
from fedge.system.console import echo

# Containers without an index can be sent while they are recorded, so at a URL they count as live.
_STREAM_SUFFIXES = frozenset({".mjpeg", ".mjpg", ".ts", ".flv", ".ogv", ".h264", ".264", ".h265", ".hevc"})
_FILE_SUFFIXES = frozenset(
    {".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v", ".mpg", ".mpeg", ".3gp", ".wmv", ".mts", ".m2ts", ".vob"}
)

UNMONITORED, USUAL_LIMITS = Unmonitored(), FaultLimits()


def open_asked(
    source: str | None,
    device: str | None,
    camera: CameraOptions,
    recipe: Recipe | None,
    monitor: Monitor,
    limits: FaultLimits,
) -> Source:
    """What the user asked for: a `source`, or without one the camera `device`; raises SourceError."""
    if source is not None:
        return open_source(source, camera, monitor, limits, recipe)
    return open_camera(device, camera, monitor, limits, recipe)


def open_source(
    source: str,
    options: CameraOptions = AS_IT_COMES,
    monitor: Monitor = UNMONITORED,
    limits: FaultLimits = USUAL_LIMITS,
    recipe: Recipe | None = None,
) -> Source:
    """Opens a picture, a folder, a glob pattern, a video file or a URL; raises SourceError.

    A live one is opened only when its frames are asked for. A `recipe` says that only its network
    sees the frames: they may be made gray and smaller where it is gray and leaves pictures whole. Cutting an object out
    needs their colours.
    """
    if "://" in source:
        if PurePosixPath(split_address(source).path).suffix.lower() in _FILE_SUFFIXES:
            return ReadAhead(VideoSource(source, live=False, options=options, recipe=recipe))
        return _live_video(source, options, recipe, monitor, limits)
    video = _video_file(Path(source), options, recipe)
    if video is not None:
        return ReadAhead(video)
    return ReadAhead(PictureFiles(find_pictures(source), View.of(options, recipe)))


def _video_file(path: Path, options: CameraOptions, recipe: Recipe | None) -> Source | None:
    """The file as a video, whatever it is called: an animation, or what FFmpeg opens and is no picture; else None."""
    if not path.is_file() or (looks_like_a_picture(path) and not is_animation(path)):
        return None
    if is_picture(path) and not is_animation(path) and not looks_like_a_video(path):
        return None
    try:
        return VideoSource(str(path), live=False, options=options, recipe=recipe)
    except SourceError as error:
        if is_picture(path):
            return None
        if path.suffix.lower() in _FILE_SUFFIXES | _STREAM_SUFFIXES:
            raise
        mend = "give a picture such as JPEG or PNG, or a video that FFmpeg decodes"
        raise SourceError(f"{display_name(str(path))} is neither a picture nor a video", mend) from error


def open_camera(
    device: str | None = None,
    options: CameraOptions = AS_IT_COMES,
    monitor: Monitor = UNMONITORED,
    limits: FaultLimits = USUAL_LIMITS,
    recipe: Recipe | None = None,
) -> Source:
    """A camera: an index, a /dev path, `csi`, a URL, or (None) the first that works; raises SourceError.

    The camera module comes first where `rpicam-vid` lists one. It is opened only when its frames are asked for.
    `recipe` is as for `open_source`.
    """
    if device is None:
        return LiveSource(partial(_open_first, options, recipe, monitor), "the camera", monitor, limits)
    if device == "csi":
        return LiveSource(partial(_open_csi, options, recipe), "the camera module", monitor, limits)
    if "://" in device:
        return _live_video(device, options, recipe, monitor, limits)
    if number := re.fullmatch(r"(?:/dev/video)?(\d+)", device):
        return _live_video(int(number[1]), options, recipe, monitor, limits)
    require_no_address(device)
    opener = partial(_open_path, Path(parse_device(device)), options, recipe, monitor)
    return LiveSource(opener, device, monitor, limits)


def _live_video(
    target: str | int, options: CameraOptions, recipe: Recipe | None, monitor: Monitor, limits: FaultLimits
) -> Source:
    return LiveSource(partial(_open_video, target, options, recipe, monitor), display_name(target), monitor, limits)


def _open_path(path: Path, options: CameraOptions, recipe: Recipe | None, monitor: Monitor, seconds: float) -> Source:
    # Resolved at each opening: plugged in again, a camera may get another number, which links in /dev/v4l/by-id follow.
    if number := re.fullmatch(r"/dev/video(\d+)", str(path.resolve())):
        return _open_video(int(number[1]), options, recipe, monitor, seconds)
    if not path.exists():
        raise SourceError(f"{path} is not there", "check that it is plugged in")
    raise SourceError(f"{path} is no camera", "give an index, a /dev path, csi or a URL")


def _open_video(
    target: str | int, options: CameraOptions, recipe: Recipe | None, monitor: Monitor, seconds: float
) -> Source:
    if isinstance(target, str) and re.match(r"https?://", target, re.IGNORECASE):
        # Python's HTTP and TLS take time to load, and memory.
        from fedge.sources.backends.http import HttpCamera

        camera = HttpCamera(target, options, seconds, recipe)
        if camera.encoded:
            return camera
        camera.close()
    video = VideoSource(target, live=True, options=options, open_seconds=seconds, recipe=recipe)
    _tell_what_it_gives(video, monitor)
    return video


def _tell_what_it_gives(camera: VideoSource, monitor: Monitor) -> None:
    monitor.set_capture(camera.unlike)
    if camera.unlike:
        echo(camera.unlike)


def _open_csi(options: CameraOptions, recipe: Recipe | None, seconds: float) -> Source:
    return Picamera2Camera(options, recipe) if csi_program() is None and has_picamera2() else CsiCamera(options, recipe)


def _open_first(options: CameraOptions, recipe: Recipe | None, monitor: Monitor, seconds: float) -> Source:
    # First, because the module's own /dev/video nodes open, give nothing, and take seconds each to show that.
    if lists_a_camera():
        return CsiCamera(options, recipe)
    devices = video_devices(DEVICES)
    for path in devices:
        camera = _opened(path, options, recipe)
        # Many /dev/video nodes open but never give a frame.
        if camera and camera.gives_a_frame():
            _tell_what_it_gives(camera, monitor)
            return camera
        if camera:
            camera.close()
    if csi_program() or has_picamera2():
        return _open_csi(options, recipe, seconds)
    tried = "; ".join(f"{path}: {why_not(path)}" for path in devices) or "there is no /dev/video*"
    raise SourceError(f"no camera gives a picture ({tried})", _mend_of(tried))


def _mend_of(tried: str) -> str:
    if "group" in tried:
        return "run `sudo usermod -aG video $USER` and log in again"
    if "another program" in tried:
        return "end the program that uses it"
    return "plug one in, on Raspberry Pi OS install rpicam-apps for the camera module, or name one with --device"


def _opened(path: Path, options: CameraOptions, recipe: Recipe | None) -> VideoSource | None:
    try:
        return VideoSource(int(path.name.removeprefix("video")), live=True, options=options, recipe=recipe)
    except SourceError:
        return None
