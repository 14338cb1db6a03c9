"""Cutting a stream into JPEGs, and JPEGs that are damaged or lie."""

import pytest
from pictures_for_tests import jpeg, scene

from fedge.errors import SourceError
from fedge.options import parse_region
from fedge.sources.backends.jpeg import decode_jpeg, jpeg_size, split_jpegs
from fedge.sources.base import Fault
from fedge.sources.view import View

JPEG = jpeg(scene(0))


def claiming(width: int, height: int) -> bytes:
    """The JPEG with another size in its header."""
    marker = JPEG.index(b"\xff\xc0")
    return JPEG[: marker + 5] + height.to_bytes(2) + width.to_bytes(2) + JPEG[marker + 9 :]


@pytest.mark.parametrize("size", [1, 7, 1000, 10**6])
def test_a_stream_is_cut_at_the_pictures_whatever_the_chunks(size: int) -> None:
    pictures = [jpeg(scene(i, 64, 48)) for i in range(5)]
    stream = b"noise" + b"--boundary".join(pictures) + pictures[0][:50]
    chunks = iter([stream[i : i + size] for i in range(0, len(stream), size)])
    assert list(split_jpegs(lambda: next(chunks, b""))) == pictures


def test_a_stream_without_an_end_is_not_kept() -> None:
    chunks = iter([b"\xff\xd8" + bytes(17 << 20), JPEG])
    assert list(split_jpegs(lambda: next(chunks, b""))) == [JPEG]


def test_the_size_is_read_from_the_header() -> None:
    assert jpeg_size(JPEG) == (640, 480)
    assert jpeg_size(claiming(65500, 65500)) == (65500, 65500)
    assert jpeg_size(b"") is None
    assert jpeg_size(JPEG[:20]) is None
    assert jpeg_size(b"\x89PNG" + JPEG) is None


def test_a_good_jpeg_is_decoded_also_with_a_padded_buffer() -> None:
    for data in (JPEG, JPEG + bytes(1000)):
        picture = decode_jpeg(data, View())
        assert not isinstance(picture, Fault)
        assert picture.shape == (480, 640, 3)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (JPEG[: len(JPEG) // 2], "corrupt"),
        (b"", "corrupt"),
        (b"\xff\xd8\xff\xd9", "corrupt"),
        (b"<html>busy</html>", "corrupt"),
        (claiming(0, 480), "corrupt"),
        (claiming(65500, 65500), "bomb"),
        (claiming(8000, 8000), "bomb"),
    ],
)
def test_what_is_wrong_with_a_jpeg_is_said(data: bytes, kind: str) -> None:
    fault = decode_jpeg(data, View())
    assert isinstance(fault, Fault)
    assert fault.kind == kind


def test_a_picture_too_small_for_the_region_is_an_error_with_its_own_mend() -> None:
    with pytest.raises(SourceError, match=r"not inside the 640x480 picture; give one that is with --region"):
        decode_jpeg(JPEG, View(region=parse_region("600,0,100,100")))
