"""Cutting a stream into JPEGs, and JPEGs that are damaged or lie."""

import cv2
import numpy as np
import pytest
from pictures_for_tests import jpeg, scene

from fedge.errors import SourceError
from fedge.images.jpeg import Broken, find_end, read_header
from fedge.options import parse_region
from fedge.sources.backends.jpeg import decode_jpeg, decode_picture, split_pictures
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
    assert list(split_pictures(lambda: next(chunks, b""))) == pictures


def test_a_stream_without_an_end_is_not_kept() -> None:
    chunks = iter([b"\xff\xd8" + bytes(17 << 20), JPEG])
    assert list(split_pictures(lambda: next(chunks, b""))) == [JPEG]


def with_thumbnail(data: bytes) -> bytes:
    """The JPEG with a smaller one in its EXIF segment, as photographs have: its end marker comes first."""
    inner = jpeg(scene(1, 64, 48))
    return data[:2] + b"\xff\xe1" + (len(inner) + 2).to_bytes(2) + inner + data[2:]


def progressive() -> bytes:
    return cv2.imencode(".jpg", scene(0), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()


def test_the_size_is_read_from_the_header() -> None:
    for data, size in (
        (JPEG, (640, 480)),
        (claiming(65500, 65500), (65500, 65500)),
        (with_thumbnail(JPEG), (640, 480)),
    ):
        header = read_header(data)
        assert header is not None
        assert (header.width, header.height, header.progressive) == (*size, False)
        assert find_end(data, header.scan) == len(data)
    assert read_header(JPEG[:20]) is None
    assert read_header(b"") is None
    for data in (b"\x89PNG" + JPEG, b"\xff\xd8 text", b"\xff\xd8\xff\xd9" + bytes(9)):
        with pytest.raises(Broken):
            read_header(data)


def test_the_passes_of_a_progressive_jpeg_belong_together() -> None:
    data = progressive()
    header = read_header(data)
    assert header is not None
    assert header.progressive
    assert find_end(data + JPEG, header.scan) == len(data)


@pytest.mark.parametrize("size", [700, 10**6])
def test_a_picture_with_a_thumbnail_and_a_png_are_cut_out_whole(size: int) -> None:
    pictures = [with_thumbnail(JPEG), cv2.imencode(".png", scene(2, 64, 48))[1].tobytes(), progressive()]
    stream = b"\r\n--frame\r\nContent-Type: image/jpeg\r\n\r\n".join([b"", *pictures, b""])
    chunks = iter([stream[i : i + size] for i in range(0, len(stream), size)])
    assert list(split_pictures(lambda: next(chunks, b""))) == pictures
    assert all(isinstance(decode_picture(picture, View()), np.ndarray) for picture in pictures)


def test_a_picture_without_an_end_marker_ends_where_the_next_part_begins() -> None:
    stream = b"\r\n--frame\r\n\r\n".join([b"", *[JPEG[:-2]] * 3])
    chunks = iter([stream])
    pictures = list(split_pictures(lambda: next(chunks, b"")))
    assert pictures == [JPEG[:-2]] * 3


@pytest.mark.parametrize(
    "data",
    [
        JPEG,
        JPEG + bytes(1000),
        JPEG + bytes(range(1, 97)),
        JPEG + b"\r\n",
        JPEG + b"\xff" * 64,
        JPEG + b"\xff\xd9",
        JPEG[:-2],
        JPEG[:-2] + bytes(64),
        JPEG[:-2] + b"\xff\xff\xd9",
        b"\xff\xd8" + JPEG,
        b"\r\n" + JPEG,
        with_thumbnail(JPEG),
    ],
)
def test_a_jpeg_whose_pixels_are_all_there_is_decoded_whatever_stands_around_it(
    data: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    picture = decode_jpeg(data, View())
    assert np.array_equal(picture, cv2.imdecode(np.frombuffer(JPEG, np.uint8), cv2.IMREAD_COLOR))  # type: ignore[arg-type]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (JPEG[: len(JPEG) // 2], "corrupt"),
        # A few bytes hold the last pixels.
        (JPEG[:-12], "corrupt"),
        (progressive()[:-2], "corrupt"),
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
