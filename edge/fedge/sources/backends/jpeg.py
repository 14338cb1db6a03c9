"""Pictures of a stream: cutting them out of it, and decoding what a camera or a network gives without trusting it."""

import os
from collections.abc import Callable, Iterator

import cv2
import numpy as np

from fedge.images.jpeg import START, Broken, Header, find_end, read_header
from fedge.images.picture import Picture, heard_damage
from fedge.sources.base import Fault
from fedge.sources.view import View

_END = b"\xff\xd9"
PNG, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_LARGEST_PICTURE = 16 << 20
# What may end a picture: its own end, or the start of the next one.
_CUES = (_END, START, _PNG_END, PNG)
_LONGEST_CUE = max(map(len, _CUES))
# Where a JPEG lacks its end marker, the boundary before the next one shows where it ends.
_BOUNDARY = b"\r\n--"


def split_pictures(read: Callable[[], bytes]) -> Iterator[bytes]:
    """The JPEG and PNG pictures in a stream, given a function that reads its next bytes; ends where that gives none.

    They are found by their own structure, so it does not matter what a server writes between them, or leaves out.
    """
    buffer = bytearray()
    while chunk := read():
        fresh = max(0, len(buffer) - _LONGEST_CUE)
        buffer += chunk
        if any(buffer.find(cue, fresh) >= 0 for cue in _CUES):
            while size := _next_picture(buffer):
                yield bytes(buffer[:size])
                del buffer[:size]
        if len(buffer) > _LARGEST_PICTURE:
            buffer.clear()
    # The end of all is the end of a JPEG that has no end marker.
    if buffer.startswith(START) and _header(bytes(buffer)) is not None:
        yield bytes(buffer)


def _next_picture(buffer: bytearray) -> int | None:
    """How many bytes the picture has that the buffer begins with once its noise is removed; None: not all is there."""
    starts = [start for start in (buffer.find(START), buffer.find(PNG)) if start >= 0]
    if not starts:
        return None
    del buffer[: min(starts)]
    if buffer.startswith(PNG):
        end = buffer.find(_PNG_END)
        return end + len(_PNG_END) if end >= 0 else None
    try:
        header = read_header(buffer)
    except Broken:
        return _until_next(buffer, len(START))
    if header is None:
        return None
    return find_end(buffer, header.scan) or _until_next(buffer, header.scan)


def _until_next(buffer: bytearray, searched: int) -> int | None:
    following = buffer.find(START, searched)
    if following < 0:
        return None
    boundary = buffer.rfind(_BOUNDARY, searched, following)
    return boundary if boundary >= 0 else following


def decode_picture(data: bytes, view: View) -> Picture | Fault:
    """Decodes one JPEG or PNG as `view` says, or says what is wrong with it: `corrupt` or `bomb`.

    Raises SourceError where the view's region is not inside the picture.
    """
    if not data.startswith(PNG):
        return decode_jpeg(data, view)
    try:
        picture = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    except (cv2.error, MemoryError):
        picture = None
    if picture is None:
        return Fault("corrupt", f"a PNG of {len(data)} bytes cannot be decoded")
    return view.reduce(np.asarray(picture, dtype=np.uint8))


def decode_jpeg(data: bytes, view: View) -> Picture | Fault:
    """Decodes one JPEG as `view` says, or says what is wrong with it: `corrupt` or `bomb`.

    What stands before its start or behind its end is left out, and an end marker that is missing is put there: it is a
    fault only where pixels are missing. Raises SourceError where the view's region is not inside the picture.
    """
    cut_off = Fault("corrupt", f"a JPEG of {len(data)} bytes is cut off or damaged")
    start = data.find(START)
    # Some cameras write the start twice, which the decoder does not take.
    while start >= 0 and data.startswith(START, start + len(START)):
        start += len(START)
    whole = data[start:] if start > 0 else data
    header = _header(whole)
    if header is None or 0 in (header.width, header.height):
        return cut_off
    if header.width * header.height > int(os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"]):
        return Fault("bomb", f"a JPEG of {len(data)} bytes claims {header.width}x{header.height} pixels")
    end = find_end(whole, header.scan)
    try:
        if end is not None:
            picture = view.decode(whole[:end], header.width, header.height)
        else:
            with heard_damage() as damage:
                # Some cameras fill their buffers up with zeros.
                picture = view.decode(whole.rstrip(b"\0") + _END, header.width, header.height)
            # The passes of a progressive JPEG can be missing as wholes, which the decoder does not notice.
            if header.progressive or any("premature" in line.lower() for line in damage):
                return cut_off
    except (cv2.error, MemoryError):
        picture = None
    return Fault("corrupt", f"a JPEG of {len(data)} bytes cannot be decoded") if picture is None else picture


def _header(data: bytes) -> Header | None:
    try:
        return read_header(data)
    except Broken:
        return None
