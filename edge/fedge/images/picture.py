"""Reading and making picture files."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from fedge.errors import DataError
from fedge.system.files import is_hidden

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


def is_picture(path: Path) -> bool:
    """Whether the name is that of a picture file; hidden files are not."""
    return path.suffix.lower() in SUFFIXES and not is_hidden(path)


def looks_like_a_picture(path: Path) -> bool:
    """Whether the file begins as one that OpenCV decodes, whatever it is called."""
    try:
        return bool(cv2.haveImageReader(str(path)))
    except cv2.error:
        return False


def read_picture(path: Path) -> Picture:
    """Reads a picture as uint8 [h, w, 3], blue-green-red, turned upright as its EXIF tag says.

    Raises DataError where OpenCV cannot decode it, or it claims more pixels than OPENCV_IO_MAX_IMAGE_PIXELS.
    """
    mend = "replace the file or remove it"
    try:
        data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})", mend) from error
    except cv2.error as error:
        raise DataError(f"{path} cannot be decoded ({' '.join(str(error.err).split())})", mend) from error
    if picture is None:
        raise DataError(f"{path} cannot be decoded", mend)
    return np.asarray(picture, dtype=np.uint8)


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
