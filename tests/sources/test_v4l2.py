"""Why a camera device does not open, and what a camera gives instead of what was asked; without a device."""

import errno
import struct
from pathlib import Path
from typing import Any, ClassVar

import cv2
import pytest
from collecting import collect

from fedge.errors import SourceError
from fedge.options import CameraOptions
from fedge.runner.health import Health
from fedge.sources import factory
from fedge.sources.backends import v4l2, video
from fedge.sources.factory import open_camera


def answering(monkeypatch: pytest.MonkeyPatch, busy: bool = False, capabilities: int = 1) -> None:
    """Linux answers as for a camera of 640x360."""

    def ioctl(handle: int, request: int, data: bytes) -> bytes:
        if request == 0x80685600:
            return bytes(88) + struct.pack("=I", capabilities) + bytes(12)
        if request == 0xC0145608 and busy:
            raise OSError(errno.EBUSY, "Device or resource busy")
        return data[:8] + struct.pack("=II", 640, 360) + data[16:]

    monkeypatch.setattr(v4l2.fcntl, "ioctl", ioctl)


def test_the_reason_of_a_device_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = tmp_path / "video0"
    device.touch()
    answering(monkeypatch)
    assert v4l2.why_not(device) == "it opens but gives no frame"
    assert v4l2.own_size(device) == (640, 360)
    answering(monkeypatch, busy=True)
    assert v4l2.why_not(device) == "another program uses it"
    answering(monkeypatch, capabilities=0x00800000)
    assert v4l2.why_not(device) == "it is no camera, but some other video device"
    assert v4l2.why_not(tmp_path / "video9") == "No such file or directory"
    assert v4l2.own_size(tmp_path / "video9") is None

    def refuse(*arguments: Any) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(v4l2.os, "open", refuse)
    assert v4l2.why_not(device) == "you may not open it: you are not in the group `video`"


@pytest.mark.parametrize(
    ("busy", "message"),
    [(True, "another program uses it.*; end the program"), (False, "gives no frame.*; plug one in")],
)
def test_without_a_device_named_the_reason_of_each_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, busy: bool, message: str
) -> None:
    (tmp_path / "video7").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(factory, "DEVICES", tmp_path)
    answering(monkeypatch, busy)
    with pytest.raises(SourceError, match=f"no camera gives a picture .{tmp_path}/video7: .*{message}"):
        collect(open_camera(None), lambda seen: False)


class Camera:
    """Stands in for OpenCV's capture: it gives 320x180 at 10 frames a second, whatever is asked."""

    opened_with: ClassVar[tuple[Any, ...]]

    def __init__(self, *arguments: Any) -> None:
        type(self).opened_with = arguments

    def is_opened(self) -> bool:
        return True

    isOpened = is_opened  # noqa: N815

    def set(self, setting: int, value: float) -> bool:
        return True

    def get(self, setting: int) -> float:
        mjpg = cv2.VideoWriter.fourcc(*"MJPG")
        values = {cv2.CAP_PROP_FRAME_WIDTH: 320, cv2.CAP_PROP_FRAME_HEIGHT: 180, cv2.CAP_PROP_FPS: 10}
        return values.get(setting, mjpg if setting == cv2.CAP_PROP_FOURCC else 0)

    def read(self) -> tuple[bool, None]:
        return False, None

    def release(self) -> None:
        """Nothing to release."""


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (CameraOptions(), ""),
        (CameraOptions(320, 180, 10), ""),
        (CameraOptions(fps=7), "camera 0 gives 320x180 at 10 frames/s as MJPG, not the 320x180 at 7 that was asked"),
        (CameraOptions(333, 77), "camera 0 gives 320x180 at 10 frames/s as MJPG, not the 333x77 that was asked"),
    ],
)
def test_what_a_camera_gives_is_said_where_it_is_not_what_was_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: CameraOptions, told: str
) -> None:
    monkeypatch.setattr(video.cv2, "VideoCapture", Camera)
    health = Health()
    with pytest.raises(SourceError, match="gives no frame"):
        collect(open_camera("0", options, health), lambda seen: False)
    assert health.snapshot().capture == told
    assert health.snapshot().to_json()["capture"] == told
    assert capsys.readouterr().err == (f"fedge: {told}\n" if told else "")


def test_a_cameras_own_size_is_kept_where_none_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video.cv2, "VideoCapture", Camera)
    monkeypatch.setattr(video, "own_size", lambda path: (640, 360))
    video.VideoSource(0, live=True)
    sides = [cv2.CAP_PROP_FRAME_WIDTH, 640, cv2.CAP_PROP_FRAME_HEIGHT, 360]
    assert Camera.opened_with == (0, cv2.CAP_V4L2, sides)
