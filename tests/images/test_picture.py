"""Picture files as phones and other programs write them."""

import os
import subprocess
import sys
from pathlib import Path
from zlib import crc32

import cv2
import numpy as np
import pytest
from pictures_for_tests import jpeg, scene

from fedge.errors import DataError
from fedge.images import picture as picture_module
from fedge.images.picture import MOST_PIXELS, read_picture, read_with_notes


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoding whole is for pictures of 64x48 and less; OpenCV's own limit is read once a process."""
    monkeypatch.setenv("OPENCV_IO_MAX_IMAGE_PIXELS", str(64 * 48))


def claiming(width: int, height: int) -> bytes:
    data = jpeg(scene(0))
    marker = data.index(b"\xff\xc0")
    return data[: marker + 5] + height.to_bytes(2) + width.to_bytes(2) + data[marker + 9 :]


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize(("size", "factor"), [((64, 48), 1), ((96, 64), 2), ((240, 180), 4), ((512, 384), 8)])
def test_a_jpeg_of_many_pixels_is_decoded_reduced(tmp_path: Path, size: tuple[int, int], factor: int) -> None:
    data = jpeg(scene(0, *size))
    (tmp_path / "a.jpg").write_bytes(data)
    whole = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
    averaged = cv2.resize(whole, (size[0] // factor, size[1] // factor), interpolation=cv2.INTER_AREA)
    reduced = read_picture(tmp_path / "a.jpg")
    assert reduced.shape == averaged.shape
    # libjpeg averages before colours are spread over four pixels, OpenCV here after: in the smallest picture that is
    # 4 of 256 in the mean. An unrelated picture is off by some 80.
    assert np.abs(reduced.astype(int) - averaged).mean() < 8


def test_a_photograph_of_50_megapixels_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(np.full((6144, 8192, 3), 90, np.uint8)))
    assert read_picture(tmp_path / "a.jpg").shape == (3072, 4096, 3)


@pytest.mark.parametrize("claim", [(65500, 65500), (20000, 20000), (16384, 12289)])
def test_a_bomb_is_refused_and_the_limit_named(tmp_path: Path, claim: tuple[int, int]) -> None:
    assert claim[0] * claim[1] > MOST_PIXELS
    (tmp_path / "a.jpg").write_bytes(claiming(*claim))
    with pytest.raises(DataError, match=f"has {claim[0]}x{claim[1]} pixels; a JPEG may have 201 million"):
        read_picture(tmp_path / "a.jpg")


@pytest.mark.usefixtures("small_limit")
def test_a_large_progressive_jpeg_is_refused_with_the_reason(tmp_path: Path) -> None:
    data = cv2.imencode(".jpg", scene(0), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(DataError, match=r"progressive JPEG may have .* held in memory whole"):
        read_picture(tmp_path / "a.jpg")


def test_a_png_over_the_limit_is_refused_and_the_limit_named(tmp_path: Path) -> None:
    data = bytearray(cv2.imencode(".png", scene(0))[1].tobytes())
    data[16:24] = (20000).to_bytes(4) * 2
    data[29:33] = crc32(data[12:29]).to_bytes(4)
    (tmp_path / "a.png").write_bytes(data)
    # In a process of its own, because OpenCV reads its limit when it is first imported.
    code = "import sys, pathlib, fedge.images.picture as p; p.read_picture(pathlib.Path(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "a.png"], capture_output=True, text=True)
    assert "a.png has more than 50 megapixels; make it smaller, or save it as a JPEG" in done.stderr


def with_a_hole() -> bytes:
    data = jpeg(scene(0))
    return data[: len(data) // 2] + data[len(data) // 2 + 5000 :]


@pytest.mark.parametrize("damaged", [jpeg(scene(0))[:9000] + b"\xff\xd9", with_a_hole()])
def test_a_jpeg_that_libjpeg_mends_is_named(tmp_path: Path, damaged: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.jpg").write_bytes(damaged)
    picture, notes = read_with_notes(tmp_path / "a.jpg")
    assert picture.shape == (480, 640, 3)
    assert len(notes) == 1
    assert notes[0].startswith(f"{tmp_path}/a.jpg is damaged (Corrupt JPEG data")
    assert capfd.readouterr().err == ""
    (tmp_path / "b.jpg").write_bytes(jpeg(scene(0)))
    assert read_with_notes(tmp_path / "b.jpg")[1] == ()


def test_what_else_is_said_while_a_jpeg_is_decoded_is_still_said(capfd: pytest.CaptureFixture[str]) -> None:
    with picture_module.heard_damage() as damage:
        os.write(2, b"fedge: another thread's line\nCorrupt JPEG data: a lie\n")
    assert damage == ["Corrupt JPEG data: a lie"]
    assert capfd.readouterr().err == "fedge: another thread's line\n"


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_12_bits_in_a_picture_of_16_are_told(tmp_path: Path, suffix: str) -> None:
    gray = (cv2.cvtColor(scene(0), cv2.COLOR_BGR2GRAY).astype(np.uint16) << 4) | 7
    cv2.imwrite(str(tmp_path / f"a{suffix}"), gray)
    cv2.imwrite(str(tmp_path / f"whole{suffix}"), gray << 4)
    cv2.imwrite(str(tmp_path / f"black{suffix}"), np.zeros((48, 64), np.uint8))
    assert "it uses 12 of its 16 bits or less" in read_with_notes(tmp_path / f"a{suffix}")[1][0]
    assert read_with_notes(tmp_path / f"whole{suffix}")[1] == ()
    assert read_with_notes(tmp_path / f"black{suffix}")[1] == ()


# How each EXIF orientation is made from the upright picture; its reader must undo it.
TURNS = {
    1: lambda p: p,
    2: lambda p: cv2.flip(p, 1),
    3: lambda p: cv2.rotate(p, cv2.ROTATE_180),
    4: lambda p: cv2.flip(p, 0),
    5: cv2.transpose,
    6: lambda p: cv2.rotate(p, cv2.ROTATE_90_COUNTERCLOCKWISE),
    7: lambda p: cv2.rotate(cv2.transpose(p), cv2.ROTATE_180),
    8: lambda p: cv2.rotate(p, cv2.ROTATE_90_CLOCKWISE),
}


def webp(picture: np.ndarray, orientation: int, order: str) -> bytes:
    """Lossless WebP with an EXIF chunk, which its own header must announce."""
    plain = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()
    little = order == "little"

    def number(value: int, size: int) -> bytes:
        return value.to_bytes(size, "little" if little else "big")

    exif = (b"II" if little else b"MM") + number(42, 2) + number(8, 4) + number(1, 2)
    exif += number(0x112, 2) + number(3, 2) + number(1, 4) + number(orientation, 2) + bytes(2) + bytes(4)
    sides = (picture.shape[1] - 1).to_bytes(3, "little") + (picture.shape[0] - 1).to_bytes(3, "little")
    body = b"VP8X" + (10).to_bytes(4, "little") + bytes([8, 0, 0, 0]) + sides + plain[12:]
    body += b"EXIF" + len(exif).to_bytes(4, "little") + exif
    return b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WEBP" + body


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("orientation", TURNS)
def test_a_webp_is_turned_upright_whatever_opencv_does(tmp_path: Path, orientation: int, order: str) -> None:
    upright = scene(0, 64, 48)
    (tmp_path / "a.webp").write_bytes(webp(np.ascontiguousarray(TURNS[orientation](upright)), orientation, order))
    assert np.array_equal(read_picture(tmp_path / "a.webp"), upright)


@pytest.mark.parametrize("cut", range(30, 110, 8))
def test_a_webp_with_a_damaged_tag_is_left_as_it_is_or_refused(tmp_path: Path, cut: int) -> None:
    data = webp(scene(0, 64, 48), 3, "little")
    (tmp_path / "a.webp").write_bytes(data[:-cut] + b"\xff" * cut)
    try:
        assert read_picture(tmp_path / "a.webp").shape == (48, 64, 3)
    except DataError as error:
        assert "cannot be decoded" in error.what
