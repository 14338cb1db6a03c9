"""A USB camera that is a program: Motion JPEG by the USB Video Class, over an emulated host controller.

    python3 usb_camera.py FOLDER     shows FOLDER's .jpg files for ever, 30 a second; its end is an unplugging

It runs in the machine, as root, on the kernel's dummy_hcd and raw_gadget (Documentation/usb/raw-gadget.rst). Its
pictures go over a bulk endpoint, for dummy_hcd has no isochronous ones. It answers what the driver uvcvideo asks and
stalls the rest, as cameras do. Layouts: "Universal Serial Bus Device Class Definition for Video Devices" 1.0.
"""

import fcntl
import os
import struct
import sys
import time
from itertools import cycle
from pathlib import Path

WIDTH, HEIGHT = 640, 480
_INTERVAL = 333_333  # of 100 ns
# raw_gadget takes at most a page at once, so a payload is no larger; one that is smaller ends with a short packet.
_PAYLOAD = 4096
_PACKET = 512
_LARGEST_PICTURE = WIDTH * HEIGHT * 2
_STREAM = 0x81

_WRITE, _READ = 1, 2
_CONTROL = 2
_HIGH_SPEED = 3
_SEND_ZERO_PACKET = 1


def _request(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | ord("U") << 8 | number


_INIT = _request(_WRITE, 0, 257)
_RUN = _request(0, 1, 0)
_FETCH = _request(_READ, 2, 8)
_EP0_WRITE, _EP0_READ = _request(_WRITE, 3, 8), _request(_READ | _WRITE, 4, 8)
_ENABLE = _request(_WRITE, 5, 9)
_EP_WRITE = _request(_WRITE, 7, 8)
_CONFIGURE = _request(0, 9, 0)
_POWER = _request(_WRITE, 10, 4)
_STALL = _request(0, 12, 0)


def _block(kind: int, form: str, *values: int) -> bytes:
    body = struct.pack("<" + form, *values)
    return bytes((len(body) + 2, kind)) + body


_DEVICE = _block(0x01, "HBBBBHHHBBBB", 0x0200, 0xEF, 0x02, 0x01, 64, 0x1D6B, 0x0102, 0x0100, 1, 2, 3, 1)
_STRINGS = ("", "fedge", "test camera", "0001")
_ENDPOINT = _block(0x05, "BBHB", _STREAM, 0x02, _PACKET, 0)


def _control_interface() -> bytes:
    camera = _block(0x24, "BBHBBHHHB3B", 0x02, 1, 0x0201, 0, 0, 0, 0, 0, 3, 0, 0, 0)
    output = _block(0x24, "BBHBBB", 0x03, 2, 0x0101, 0, 1, 0)
    header = _block(0x24, "BHHIBB", 0x01, 0x0100, 13 + len(camera) + len(output), 48_000_000, 1, 1)
    return _block(0x04, "BBBBBBB", 0, 0, 0, 0x0E, 1, 0, 0) + header + camera + output


def _stream_interface() -> bytes:
    kind = _block(0x24, "BBBBBBBBB", 0x06, 1, 1, 1, 1, 0, 0, 0, 0)
    rate = _LARGEST_PICTURE * 8 * 30
    size = _block(0x24, "BBBHHIIIIBI", 0x07, 1, 0, WIDTH, HEIGHT, rate, rate, _LARGEST_PICTURE, _INTERVAL, 1, _INTERVAL)
    colors = _block(0x24, "BBBB", 0x0D, 1, 1, 4)
    header = _block(0x24, "BBHBBBBBBBB", 0x01, 1, 14 + len(kind + size + colors), _STREAM, 0, 2, 0, 0, 0, 1, 0)
    return _block(0x04, "BBBBBBB", 1, 0, 1, 0x0E, 2, 0, 0) + header + kind + size + colors + _ENDPOINT


def _configuration() -> bytes:
    both = _block(0x0B, "BBBBBB", 0, 2, 0x0E, 3, 0, 0) + _control_interface() + _stream_interface()
    return _block(0x02, "HBBBBB", 9 + len(both), 2, 1, 0, 0x80, 250) + both


def _descriptor(kind: int, index: int) -> bytes | None:
    if kind == 1:
        return _DEVICE
    if kind == 2:
        return _configuration()
    if kind == 3 and index < len(_STRINGS):
        text = _STRINGS[index].encode("utf-16-le") if index else struct.pack("<H", 0x0409)
        return bytes((len(text) + 2, 3)) + text
    return None


def _offer() -> bytes:
    # The one format, size and rate that there are.
    return struct.pack("<HBBIHHHHHII", 1, 1, 1, _INTERVAL, 0, 0, 0, 0, 0, _LARGEST_PICTURE, _PAYLOAD)


class Camera:
    """The camera on the emulated bus; `pictures` are JPEG files' bytes."""

    def __init__(self, pictures: list[bytes]) -> None:
        self._pictures = pictures
        self._device = os.open("/dev/raw-gadget", os.O_RDWR)
        names = (b"dummy_udc", b"dummy_udc.0")
        self._call(_INIT, struct.pack("128s128sB", *names, _HIGH_SPEED))
        self._call(_RUN)

    def serve(self) -> None:
        """Answers the host until this process ends."""
        while True:
            event = bytearray(struct.pack("<II8s", 0, 8, b""))
            fcntl.ioctl(self._device, _FETCH, event)
            kind, _, setup = struct.unpack("<II8s", event)
            if kind == _CONTROL:
                self._answer(*struct.unpack("<BBHHH", setup))

    def _answer(self, kind: int, request: int, value: int, index: int, length: int) -> None:
        if kind == 0x80 and request == 6:
            self._give(_descriptor(value >> 8, value & 0xFF), length)
        elif kind == 0x00 and request == 9:
            self._begin()
        elif kind == 0x01 and request == 11:
            self._take(length)
        elif kind == 0xA1 and index == 1 and value >> 8 in (1, 2):
            self._give({0x85: b"\x1a\x00", 0x86: b"\x03"}.get(request, _offer()), length)
        elif kind == 0x21 and index == 1:
            self._take(length)
        else:
            self._call(_STALL)

    def _begin(self) -> None:
        stream = self._call(_ENABLE, _ENDPOINT + b"\0\0")
        self._call(_POWER, 250)
        self._call(_CONFIGURE)
        self._take(0)
        # Not a thread: Python keeps its lock in an ioctl with more than 1,024 bytes, and this one waits for the host.
        if os.fork() == 0:
            self._show(stream)

    def _give(self, data: bytes | None, length: int) -> None:
        if data is None:
            self._call(_STALL)
        else:
            self._transfer(_EP0_WRITE, 0, data[:length])

    def _take(self, length: int) -> None:
        self._transfer(_EP0_READ, 0, bytes(length))

    def _transfer(self, request: int, endpoint: int, data: bytes, flags: int = 0) -> None:
        self._call(request, struct.pack("<HHI", endpoint, flags, len(data)) + data)

    def _call(self, request: int, data: bytes | int = 0) -> int:
        return fcntl.ioctl(self._device, request, data if isinstance(data, int) else bytearray(data))

    def _show(self, stream: int) -> None:
        # Each write waits until the host has taken it: nothing moves while nobody looks.
        for number, picture in enumerate(cycle(self._pictures)):
            for start in range(0, len(picture), _PAYLOAD - 2):
                part = picture[start : start + _PAYLOAD - 2]
                last = start + len(part) == len(picture)
                payload = bytes((2, 0x80 | last << 1 | number & 1)) + part
                flags = 0 if len(payload) == _PAYLOAD else _SEND_ZERO_PACKET
                self._transfer(_EP_WRITE, stream, payload, flags)
            time.sleep(_INTERVAL / 1e7)


if __name__ == "__main__":
    Camera([path.read_bytes() for path in sorted(Path(sys.argv[1]).glob("*.jpg"))]).serve()
