"""The cache of decoded pictures: each list of picture files is decoded once, and then read from the disk.

A list's file is named by a hash of all that decoding depends on: each picture file's path, size, inode and times of
change; the recipe; and the code and libraries that decode. So a change of one picture has its whole list decoded again.
"""

import errno
import hashlib
import math
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2

from fedge import __version__, images
from fedge.data.decoded import file
from fedge.data.decoded.decode import Decoded, Reader, decode_into_memory
from fedge.errors import DataError, FedgeError
from fedge.images.preprocess import Recipe
from fedge.system.console import echo
from fedge.system.files import BoundedFolder, sha256_file
from fedge.system.locks import locked
from fedge.system.state import cache_folder

FOLDER_VARIABLE, LIMIT_VARIABLE = "FEDGE_PICTURE_CACHE", "FEDGE_PICTURE_CACHE_GB"
USUAL_BYTES = 20_000_000_000
# OpenCV reads it: a JPEG of more pixels is decoded reduced.
_MOST_PIXELS = "OPENCV_IO_MAX_IMAGE_PIXELS"
_SUFFIX = ".pictures"


@dataclass(frozen=True)
class PictureCache:
    """A folder of decoded pictures, made when it is needed.

    Attributes:
        folder: where; only what fedge wrote there is ever removed.
        limit_bytes: what its files may have together, the least recently used of which are removed first; 0 keeps
            nothing on disk. None: 20 GB, but at most half of what the disk has left besides them.
    """

    folder: Path
    limit_bytes: int | None = None

    def decoded(self, paths: Sequence[Path], readers: Sequence[Reader], recipe: Recipe) -> Decoded:
        """The pictures of files, each with what reads it: from the disk, or where that does not work in memory.

        While another process decodes into the folder, it is waited for.
        """
        if not paths or self.limit_bytes == 0:
            return decode_into_memory(readers, recipe)
        path = self.folder / (_name(paths, recipe) + _SUFFIX)
        found = _read(path, readers, recipe)
        if found is not None:
            return found
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with locked(self.folder, waiting=f"another process decodes pictures into {self.folder}: waiting for it"):
                # By now the other process may have decoded the same.
                return _read(path, readers, recipe) or self._write(path, readers, recipe)
        except (OSError, file.DamagedCache) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else error
            echo(f"decoded pictures are kept in memory, not in {self.folder}: {why}")
            return decode_into_memory(readers, recipe)

    def _write(self, path: Path, readers: Sequence[Reader], recipe: Recipe) -> Decoded:
        self._make_room(file.size_of(len(readers), recipe))
        file.write(path, readers, recipe)
        return file.read(path, len(readers), recipe)

    def _make_room(self, size: int) -> None:
        # Whoever writes holds the folder alone, so what is unfinished was left by a process that was killed.
        for unfinished in self.folder.glob(f".*{_SUFFIX}"):
            unfinished.unlink(missing_ok=True)
        files = sorted((each.stat().st_mtime, each, each.stat().st_size) for each in self.folder.glob(f"*{_SUFFIX}"))
        held = sum(size for _, _, size in files)
        limit = self.limit_bytes
        if limit is None:
            limit = min(USUAL_BYTES, (shutil.disk_usage(self.folder).free + held) // 2)
        if size > limit:
            raise OSError(
                errno.ENOSPC, f"they take {size / 1e9:.3g} GB, and {limit / 1e9:.3g} are allowed (${LIMIT_VARIABLE})"
            )
        BoundedFolder(limit, ((each, size) for _, each, size in files), Path.unlink).make_room(size)


def user_cache() -> PictureCache:
    """The user's cache: $FEDGE_PICTURE_CACHE, by default $XDG_CACHE_HOME/fedge/pictures.

    Its limit is $FEDGE_PICTURE_CACHE_GB; raises FedgeError where that is no number from 0 on.
    """
    folder = Path(os.environ.get(FOLDER_VARIABLE) or cache_folder() / "pictures")
    asked = os.environ.get(LIMIT_VARIABLE)
    if not asked:
        return PictureCache(folder)
    try:
        gigabytes = float(asked)
    except ValueError:
        gigabytes = -1.0
    if not (math.isfinite(gigabytes) and gigabytes >= 0):
        raise FedgeError(f"${LIMIT_VARIABLE} is {asked!r}, which is no number of gigabytes", "set it to 0 or more")
    return PictureCache(folder, round(1e9 * gigabytes))


def _read(path: Path, readers: Sequence[Reader], recipe: Recipe) -> Decoded | None:
    """What a file has; None where it is not there, is damaged, or has not what can be read by now."""
    try:
        found = file.read(path, len(readers), recipe)
    except OSError:
        return None
    except file.DamagedCache as error:
        echo(f"{error}, so its pictures are decoded again")
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return None
    failed = [read for read, facts in zip(readers, found.facts, strict=True) if facts.problem is not None]
    if any(map(_can_be_read, failed)):
        return None
    with suppress(OSError):
        os.utime(path)
    return found


def _can_be_read(read: Reader) -> bool:
    # A network drive may have failed for a moment, or memory been short.
    try:
        read()
    except DataError:
        return False
    return True


def _name(paths: Sequence[Path], recipe: Recipe) -> str:
    digest = hashlib.sha256(repr((_decoder(), os.environ.get(_MOST_PIXELS), recipe)).encode())
    for path in paths:
        digest.update(repr((str(path.absolute()), _state(path))).encode())
    return digest.hexdigest()[:32]


def _state(path: Path) -> tuple[int, ...] | None:
    """What changes when a file's content does; None where the file is gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    # A file's times of content can be set to any, as copying does: that of its inode cannot.
    return found.st_size, found.st_ino, found.st_mtime_ns, found.st_ctime_ns


@cache
def _decoder() -> tuple[str, ...]:
    """The versions of what decodes, and the hashes of the modules that make an input of a picture."""
    modules = sorted(Path(images.__path__[0]).glob("*.py"))
    return __version__, cv2.__version__, *map(sha256_file, modules)
