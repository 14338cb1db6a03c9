"""What Linux says of a camera device: why it gives no picture, and the size that it is set to (videodev2.h)."""

import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEVICES = Path("/dev")
_QUERY_CAPABILITIES, _GET_FORMAT, _REQUEST_BUFFERS = 0x80685600, 0xC0D05604, 0xC0145608
_CAPABILITY_BYTES, _FORMAT_BYTES = 104, 208
_DEVICE_CAPABILITIES_AT, _CAPTURES = 88, 0x1
_CAPTURE, _MAPPED = 1, 1


def video_devices(folder: Path) -> list[Path]:
    """The `video` devices of a folder, in the order of their numbers; most of a Raspberry Pi's are no cameras."""
    return sorted(folder.glob("video[0-9]*"), key=lambda path: int(path.name.removeprefix("video")))


def why_not(path: Path) -> str:
    """Why a device gives no picture, as far as Linux tells: permissions, another program, or no camera at all."""
    try:
        with _opened(path) as handle:
            found = fcntl.ioctl(handle, _QUERY_CAPABILITIES, bytes(_CAPABILITY_BYTES))
            if not struct.unpack_from("=I", found, _DEVICE_CAPABILITIES_AT)[0] & _CAPTURES:
                return "it is no camera, but some other video device"
            # While another program streams, a request for buffers fails as busy; a request for none changes nothing.
            fcntl.ioctl(handle, _REQUEST_BUFFERS, struct.pack("=5I", 0, _CAPTURE, _MAPPED, 0, 0))
    except PermissionError:
        return "you may not open it: you are not in the group `video`"
    except OSError as error:
        if error.errno == errno.EBUSY:
            return "another program uses it"
        return error.strerror or str(error)
    return "it opens but gives no frame"


def own_size(path: Path) -> tuple[int, int] | None:
    """The width and height that a device is set to, in pixels; None where it does not say."""
    try:
        with _opened(path) as handle:
            asked = struct.pack("=I", _CAPTURE).ljust(_FORMAT_BYTES, b"\0")
            width, height = struct.unpack_from("=II", fcntl.ioctl(handle, _GET_FORMAT, asked), 8)
    except OSError:
        return None
    return (width, height) if width and height else None


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield handle
    finally:
        os.close(handle)
