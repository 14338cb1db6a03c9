"""One file of the cache: preprocessed pixels, then what else is known of the pictures, then a checksum of both.

uint8 [n, height, width, channels] | JSON | its length (8 bytes), CRC-32 of all before (4), magic (8)
"""

import json
import math
import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from fedge.data.decoded.array import PictureArray, StoredPictures
from fedge.data.decoded.decode import Decoded, PictureFacts, Reader, decode_each
from fedge.images.preprocess import Recipe
from fedge.system.files import replacing

_TRAILER = struct.Struct("<QI8s")
_MAGIC = b"fedgepix"
_BLOCK = 1 << 20

# Digest, whether it is empty, notes, problem.
JsonPicture = tuple[str, bool, tuple[str, ...], str | None]


class DamagedCache(ValueError):
    """A file of the cache is not as it was written."""


def size_of(count: int, recipe: Recipe) -> int:
    """How many bytes so many pictures' pixels have."""
    return count * math.prod(recipe.shape)


def write(path: Path, readers: Sequence[Reader], recipe: Recipe) -> None:
    """Decodes pictures into a file, which is there whole or not at all. Raises OSError where the disk has no room.

    The room is taken before the first picture is decoded: a disk that is too full is found out at once.
    """
    with replacing(path, mode=0o600) as temporary, temporary.open("r+b") as file:
        if readers:
            os.posix_fallocate(file.fileno(), 0, size_of(len(readers), recipe))
        checksum = 0

        def keep(data: memoryview | bytes) -> None:
            nonlocal checksum
            checksum = zlib.crc32(data, checksum)
            file.write(data)

        facts = decode_each(readers, recipe, lambda image: keep(np.ascontiguousarray(image).data))
        content = json.dumps([_to_json(each) for each in facts]).encode()
        keep(content)
        file.write(_TRAILER.pack(len(content), checksum, _MAGIC))
        file.truncate()


def read(path: Path, count: int, recipe: Recipe) -> Decoded:
    """The `count` pictures of a file.

    Raises DamagedCache where the file is not as it was written, OSError where it cannot be read.
    """
    with path.open("rb") as file:
        facts = _facts(file)
        kept = sum(each.problem is None for each in facts)
        if len(facts) != count or file.tell() != size_of(kept, recipe):
            raise DamagedCache(f"{path} has other pictures")
        stored = StoredPictures(file, (kept, *recipe.shape)) if kept else np.empty((0, *recipe.shape), dtype=np.uint8)
        return Decoded(PictureArray([stored]), facts)


def _facts(file: BinaryIO) -> tuple[PictureFacts, ...]:
    """What a file says of its pictures, once its checksum was found right; the file then stands behind the pixels."""
    end = file.seek(0, os.SEEK_END) - _TRAILER.size
    file.seek(max(0, end))
    try:
        length, checksum, magic = _TRAILER.unpack(file.read())
        if magic != _MAGIC or _checksum(file, end) != checksum:
            raise ValueError("its checksum is another one")
        file.seek(end - length)
        facts = tuple(_from_json(*each) for each in json.loads(file.read(length)))
        file.seek(end - length)
    except (struct.error, ValueError, TypeError) as error:
        raise DamagedCache(f"{file.name} is damaged ({error})") from error
    return facts


def _checksum(file: BinaryIO, end: int) -> int:
    file.seek(0)
    checksum = 0
    while end > 0:
        block = file.read(min(_BLOCK, end))
        if not block:
            break
        checksum, end = zlib.crc32(block, checksum), end - len(block)
    return checksum


def _to_json(facts: PictureFacts) -> JsonPicture:
    return facts.digest.hex(), facts.empty, facts.notes, facts.problem


def _from_json(digest: str, empty: bool, notes: Sequence[str], problem: str | None) -> PictureFacts:
    return PictureFacts(bytes.fromhex(digest), empty, tuple(notes), problem)
