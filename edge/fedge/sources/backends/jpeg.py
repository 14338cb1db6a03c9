"""JPEG streams: cutting them into pictures, and decoding what a camera or a network gives without trusting it."""

import os
from collections.abc import Callable, Iterator

import cv2

from fedge.images.picture import Picture
from fedge.sources.base import Fault
from fedge.sources.view import View

START, END = b"\xff\xd8", b"\xff\xd9"
_LARGEST_JPEG = 16 << 20
# Start-of-frame markers hold the size; C4, C8 and CC look like them and are not.
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_LONE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})


def split_jpegs(read: Callable[[], bytes]) -> Iterator[bytes]:
    """The JPEGs in a stream, given a function that reads its next bytes; ends where that gives none."""
    buffer = bytearray()
    searched = 0
    while chunk := read():
        buffer += chunk
        # An end marker may lie half in this chunk.
        while (end := buffer.find(END, max(0, searched - 1))) >= 0:
            start = buffer.find(START, 0, end)
            if start >= 0:
                yield bytes(buffer[start : end + 2])
            del buffer[: end + 2]
            searched = 0
        searched = len(buffer)
        if searched > _LARGEST_JPEG:
            buffer.clear()
            searched = 0


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """The width and height that a JPEG's header claims; None where there is no such header."""
    position = 2
    while data[:2] == START and position + 9 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker in _FRAME_MARKERS:
            return int.from_bytes(data[position + 7 : position + 9]), int.from_bytes(data[position + 5 : position + 7])
        filler = marker == 0xFF
        lone = marker in _LONE_MARKERS
        position += 1 if filler else 2 if lone else 2 + int.from_bytes(data[position + 2 : position + 4])
    return None


def decode_jpeg(data: bytes, view: View) -> Picture | Fault:
    """Decodes one JPEG as `view` says, or says what is wrong with it: `corrupt` or `bomb`.

    Raises SourceError where the view's region is not inside the picture.
    """
    # Some cameras fill their buffers up with zeros.
    complete = data.rstrip(b"\0")
    size = jpeg_size(complete)
    if size is None or 0 in size or not complete.endswith(END):
        return Fault("corrupt", f"a JPEG of {len(data)} bytes is cut off or damaged")
    if size[0] * size[1] > int(os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"]):
        return Fault("bomb", f"a JPEG of {len(data)} bytes claims {size[0]}x{size[1]} pixels")
    try:
        picture = view.decode(complete, *size)
    except (cv2.error, MemoryError):
        picture = None
    return Fault("corrupt", f"a JPEG of {len(data)} bytes cannot be decoded") if picture is None else picture
