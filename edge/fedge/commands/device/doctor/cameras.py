"""Whether a camera gives a picture, and if not, why."""

import grp
import os
from collections.abc import Iterator
from pathlib import Path

from fedge.commands.device.doctor.finding import Finding
from fedge.errors import SourceError
from fedge.sources.backends.csi import csi_program, lists_a_camera
from fedge.sources.backends.picamera import has_picamera2
from fedge.sources.backends.v4l2 import DEVICES, video_devices
from fedge.sources.backends.video import VideoSource

_MODEL = Path("/proc/device-tree/model")
_GROUP = "video"


def check_cameras(devices: Path = DEVICES) -> Iterator[Finding]:
    """A finding for the camera module on a Raspberry Pi, for the group, and for each /dev/video device."""
    found = [finding for finding in (_module(), _group(devices)) if finding]
    yield from found
    results = [_device(path) for path in video_devices(devices)]
    # Most nodes of a Raspberry Pi are its codecs: that they give no picture says nothing while one camera does.
    works = lists_a_camera() or any(finding.level == "ok" for finding in results)
    for finding in results:
        yield Finding(finding.check, "note", finding.found) if works and finding.level == "wrong" else finding
    if not results and not works:
        yield Finding("camera", "wrong", f"there is no {devices}/video*", "plug a camera in; see `ls /dev/video*`")


def is_raspberry_pi() -> bool:
    """Whether this machine is a Raspberry Pi."""
    return _MODEL.is_file() and b"Raspberry Pi" in _MODEL.read_bytes()


def _module() -> Finding | None:
    if lists_a_camera():
        return Finding("camera module", "ok", f"{csi_program()} lists one")
    if not is_raspberry_pi():
        return None
    if csi_program() is None and not has_picamera2():
        mend = "sudo apt-get install rpicam-apps"
        return Finding("camera module", "note", "neither rpicam-vid nor picamera2 is there", mend)
    return Finding("camera module", "note", "none is listed", "rpicam-hello --list-cameras")


def _group(devices: Path) -> Finding | None:
    nodes = list(devices.glob("video[0-9]*"))
    if not nodes or any(os.access(node, os.R_OK | os.W_OK) for node in nodes):
        return None
    try:
        member = grp.getgrnam(_GROUP).gr_gid in os.getgroups()
    except KeyError:
        member = False
    if member:
        return None
    mend = f"sudo usermod -aG {_GROUP} $USER, then log out and in again"
    return Finding("permission", "wrong", f"you are not in the group {_GROUP} and may not open a camera", mend)


def _device(path: Path) -> Finding:
    try:
        camera = VideoSource(int(path.name.removeprefix("video")), live=True)
    except SourceError as error:
        return Finding(str(path), "wrong", error.what, error.mend)
    try:
        if camera.gives_a_frame():
            return Finding(str(path), "ok", "gives a picture")
    finally:
        camera.close()
    return Finding(str(path), "wrong", "opens and gives no picture", "plug it in again, or name another with --device")
