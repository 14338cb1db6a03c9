"""The structure of JPEG data: where it begins and ends, and what size it claims."""

import re
from dataclasses import dataclass

START = b"\xff\xd8"
# Start-of-frame markers hold the size; C4, C8 and CC look like them and are not.
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE_MARKERS = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_LONE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
# Within a scan FF stands before 00 or a restart's number; before anything else it begins the next segment.
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")

Bytes = bytes | bytearray


@dataclass(frozen=True)
class Header:
    """What a JPEG claims of itself.

    Attributes:
        width, height: in pixels.
        progressive: whether it comes in several passes, all of which must be held in memory at once.
        scan: where the segment of its first scan begins, in bytes from the start.
    """

    width: int
    height: int
    progressive: bool
    scan: int


class Broken(ValueError):
    """The data are no JPEG, whatever may follow them."""


def read_header(data: Bytes) -> Header | None:
    """The header of the JPEG with which the data begin; None where its rest is not there yet; raises Broken."""
    if not START.startswith(data[:2]):
        raise Broken
    position, claimed = 0, None
    while position + 4 <= len(data):
        if data[position] != 0xFF or data[position + 1] in (0, _END_OF_IMAGE):
            raise Broken
        marker = data[position + 1]
        if marker == _START_OF_SCAN:
            if claimed is None:
                raise Broken
            return Header(*claimed, position)
        if marker in _FRAME_MARKERS and position + 9 <= len(data):
            size = int.from_bytes(data[position + 7 : position + 9]), int.from_bytes(data[position + 5 : position + 7])
            claimed = (*size, marker in _PROGRESSIVE_MARKERS)
        position += _step(data, position)
    return None


def find_end(data: Bytes, scan: int) -> int | None:
    """Where the JPEG ends whose first scan begins at `scan`: behind its end marker; None where it has none.

    What follows another picture's start is no part of it.
    """
    position = scan
    while position + 4 <= len(data):
        if data[position] != 0xFF or data[position + 1] == START[1]:
            return None
        is_scan = data[position + 1] == _START_OF_SCAN
        position += _step(data, position)
        if not is_scan:
            continue
        found = _AFTER_SCAN.search(data, position)
        if found is None:
            return None
        position = found.start()
        if data[position + 1] == _END_OF_IMAGE:
            return position + 2
    return None


def _step(data: Bytes, position: int) -> int:
    marker = data[position + 1]
    if marker == 0xFF:
        return 1
    return 2 if marker in _LONE_MARKERS else 2 + int.from_bytes(data[position + 2 : position + 4])
