"""Reading an .npz archive from elsewhere: no memory is allocated for a size that the archive only claims."""

import io
import math
import zipfile
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def read_arrays(data: bytes, most_bytes: int) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz archive, by their names.

    Args:
        data: the archive, as np.savez and np.savez_compressed write it.
        most_bytes: what its members may have in all, unpacked.

    Raises ValueError where it is no such archive, is damaged, holds objects, or claims more than it has or may have.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            if sum(info.file_size for info in infos) > most_bytes:
                raise ValueError("its arrays are too large")
            return {info.filename.removesuffix(".npy"): _array(archive, info) for info in infos}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        raise ValueError(str(error) or type(error).__name__) from error


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    content = _content(archive, info)
    try:
        return _parsed(content)
    except Exception as error:  # NumPy parses a header as Python text, and a hostile one can make that raise anything
        raise ValueError(f"{info.filename!r} is no array, or not of the size it claims") from error


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{info.filename!r} is neither stored nor deflated")
    with archive.open(info) as member:
        # Without a limit, read() would unpack everything before it compares that with the claimed size.
        return member.read(info.file_size)


def _parsed(content: bytes) -> NDArray[Any]:
    stream = io.BytesIO(content)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("it has another array format")
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    # NumPy allocates the header's shape before it reads the data, so the shape is compared with the bytes first.
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise ValueError("its size is another one")
    stream.seek(0)
    return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))
