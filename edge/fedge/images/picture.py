"""Reading and making picture files."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from fedge.errors import DataError
from fedge.images.jpeg import START, Broken, read_header
from fedge.images.orientation import is_webp, upright, webp_orientation
from fedge.system.files import is_hidden
from fedge.system.native_stderr import heard_on_stderr

Picture = NDArray[np.uint8]

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".avif"),
        *(".pgm", ".ppm", ".pbm", ".pnm"),
    }
)

# Little is lost for training, at a tenth of a PNG file's size.
JPEG_QUALITY = 95
# The pixels of the largest sensors of phones; a JPEG of so many is decoded reduced.
MOST_PIXELS = 16384 * 12288
_REDUCED = (
    (2, cv2.IMREAD_REDUCED_COLOR_2),
    (4, cv2.IMREAD_REDUCED_COLOR_4),
    (8, cv2.IMREAD_REDUCED_COLOR_8),
)
# How libjpeg begins what it says of data that it mends.
_LIBJPEG = re.compile(rb"Corrupt JPEG data|Premature end of JPEG|Invalid SOS parameters|Unsupported marker|Warning: ")
# Below it all of a picture is that uses 12 bits or less of 16.
_DARK = 16
# What each picture of an animated GIF begins with: how long it is shown.
_GIF_FRAME = b"\x21\xf9\x04"
_MEND = "replace the file or remove it"


def is_picture(path: Path) -> bool:
    """Whether the name is that of a picture file; hidden files are not."""
    return path.suffix.lower() in SUFFIXES and not is_hidden(path)


def looks_like_a_picture(path: Path) -> bool:
    """Whether the file begins as one that OpenCV decodes, whatever it is called."""
    try:
        return bool(cv2.haveImageReader(str(path)))
    except cv2.error:
        return False


def looks_like_a_video(path: Path) -> bool:
    """Whether the file begins as one of the usual video containers, whatever it is called."""
    try:
        with path.open("rb") as file:
            head = file.read(200)
    except OSError:
        return False
    packets = (head[0:1], head[188:189]), (head[4:5], head[196:197])
    return (
        head[:4] in (b"\x1a\x45\xdf\xa3", b"OggS", b"FLV\x01", b"\x00\x00\x01\xba")
        or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")
        or (head[4:8] == b"ftyp" and head[8:12] not in (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1"))
        or any(first == second == b"G" for first, second in packets)
    )


def is_animation(path: Path) -> bool:
    """Whether the file is a GIF of more than one picture."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"GIF8" and file.read().count(_GIF_FRAME) > 1
    except OSError:
        return False


def read_picture(path: Path) -> Picture:
    """Reads a picture as uint8 [h, w, 3], blue-green-red, turned upright as its EXIF tag says.

    A JPEG of more pixels than OPENCV_IO_MAX_IMAGE_PIXELS is decoded at a half, a quarter or an eighth of its size.
    Raises DataError where OpenCV cannot decode it, or it claims too many pixels.
    """
    return decode(path, read_content(path))


def read_with_notes(path: Path) -> tuple[Picture, tuple[str, ...]]:
    """Reads a picture as `read_picture` does, and says what is doubtful about it: damage, or bits that are not used."""
    return decode_with_notes(path, read_content(path))


def decode_with_notes(path: Path, data: bytes) -> tuple[Picture, tuple[str, ...]]:
    """What `read_with_notes` gives for a file of this content; raises DataError, which names the path."""
    if data.startswith(START):
        with heard_damage() as damage:
            picture = decode(path, data)
        return picture, tuple(f"{path} is damaged ({line})" for line in damage[:1])
    picture = decode(path, data)
    if picture.max() < _DARK and _has_16_bits(data):
        return picture, (f"{path} is almost black: it uses 12 of its 16 bits or less; scale its values up",)
    return picture, ()


@contextmanager
def heard_damage() -> Iterator[list[str]]:
    """Listens while JPEGs are decoded: what libjpeg mends it says on standard error alone, without a name."""
    with heard_on_stderr(_LIBJPEG) as heard:
        yield heard


def read_content(path: Path) -> bytes:
    """A file's bytes; raises DataError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})", _MEND) from error


def decode(path: Path, data: bytes) -> Picture:
    """What `read_picture` gives for a file of this content; raises DataError, which names the path."""
    turned = is_webp(data)
    flags = _reduction(path, data) | (cv2.IMREAD_IGNORE_ORIENTATION if turned else 0)
    try:
        decoded = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags) if data else None
    except cv2.error as error:
        if "CV_IO_MAX_IMAGE_PIXELS" in str(error.err):
            mend = "make it smaller, or save it as a JPEG, which is decoded reduced"
            raise DataError(f"{path} has more than {_megapixels(_most_decoded())} megapixels", mend) from error
        raise DataError(f"{path} cannot be decoded ({' '.join(str(error.err).split())})", _MEND) from error
    except MemoryError as error:
        raise DataError(f"{path} cannot be decoded: there is too little memory", "make it smaller") from error
    if decoded is None:
        raise DataError(f"{path} cannot be decoded", _MEND)
    picture = np.asarray(decoded, dtype=np.uint8)
    return upright(picture, webp_orientation(data)) if turned else picture


def _reduction(path: Path, data: bytes) -> int:
    """The flag that decodes a JPEG to no more pixels than may be decoded; raises DataError where none does."""
    try:
        header = read_header(data)
    except Broken:
        header = None
    most = _most_decoded()
    if header is None or header.width * header.height <= most:
        return cv2.IMREAD_COLOR
    size = f"{path} has {header.width}x{header.height} pixels"
    if header.progressive:
        raise DataError(
            f"{size}; a progressive JPEG may have {_megapixels(most)} million, as it is held in memory whole",
            "make it smaller, or save it without `progressive`",
        )
    if header.width * header.height > MOST_PIXELS:
        raise DataError(f"{size}; a JPEG may have {_megapixels(MOST_PIXELS)} million", "make it smaller")
    return next(flag for factor, flag in _REDUCED if header.width * header.height <= most * factor * factor)


def _most_decoded() -> int:
    return int(os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"])


def _megapixels(pixels: int) -> int:
    return round(pixels / 1e6)


def _has_16_bits(data: bytes) -> bool:
    raw = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    return raw is not None and raw.dtype == np.uint16


def as_jpeg(picture: Picture, quality: int = JPEG_QUALITY) -> bytes:
    """A picture, uint8 [h, w, 3] blue-green-red or [h, w], as the content of a JPEG file; by default to learn from."""
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def input_to_picture(image: Picture) -> Picture:
    """An input, uint8 [h, w, 1] or [h, w, 3] red-green-blue, as a picture: [h, w], or [h, w, 3] blue-green-red."""
    return image[:, :, 0] if image.shape[2] == 1 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), dtype=np.uint8)


def as_picture(picture: "Picture | str | os.PathLike[str] | Image") -> Picture:
    """A picture as uint8 [h, w] or [h, w, 3] blue-green-red: of an array of that form, a file's path, or one of PIL's.

    Files and PIL's pictures are turned upright as their EXIF tag says. Raises DataError where a file cannot be read,
    TypeError for an array of another form.
    """
    if isinstance(picture, str | os.PathLike):
        return read_picture(Path(picture))
    if not isinstance(picture, np.ndarray):
        from PIL.ImageOps import exif_transpose

        return np.ascontiguousarray(np.asarray(exif_transpose(picture).convert("RGB"))[:, :, ::-1])
    if picture.dtype != np.uint8 or not (picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] in (1, 3))):
        raise TypeError(f"a picture is uint8, [h, w] or [h, w, 3], not {picture.dtype} {list(picture.shape)}")
    return picture
