"""A ZIP archive behind other bytes: reading one trusts nothing that it says of itself."""

import io
import stat
import zipfile
import zlib
from collections.abc import Collection, Mapping

from fedge.errors import ArchiveError, NotAModelFile, TooLarge

# Deflate cannot do better than 1032:1; honest labels, JSON and pictures stay far below this.
MAX_RATIO = 200

# The end of every archive that carries no comment: an end record and nothing behind it.
_END_RECORD, _END_RECORD_BYTES = b"PK\x05\x06", 22


def append_archive(front: bytes, members: Mapping[str, bytes], stored: Collection[str] = ()) -> bytes:
    """The bytes `front` and behind them an archive of the members; the same arguments give the same bytes.

    Those named `stored` are not compressed: readers of TFLite metadata take nothing else.
    """
    buffer = io.BytesIO(front)
    with zipfile.ZipFile(buffer, "a") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            # What deflates too well would be refused; flat pictures do.
            tight = name in stored or len(content) > MAX_RATIO / 2 * len(zlib.compress(content))
            info.compress_type = zipfile.ZIP_STORED if tight else zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def split_archive(data: bytes, caps: Mapping[str, int], mend: str) -> tuple[bytes, dict[str, bytes]]:
    """What stands before the archive, and its members, which must be those of `caps`, each with the most it may have.

    Raises ArchiveError, TooLarge and NotAModelFile, with `mend`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if not data[-_END_RECORD_BYTES:].startswith(_END_RECORD):
                raise ArchiveError("the archive carries a comment, or something follows it", mend)
            infos = archive.infolist()
            _check(infos, caps, mend)
            members = {info.filename: _read(archive, info, mend) for info in infos}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise NotAModelFile(f"the archive behind the network cannot be read ({error})", mend) from error
    return data[: min(info.header_offset for info in infos)], members


def archive_start(data: bytes) -> int:
    """Where the archive behind other bytes begins: the length of `data` where there is none that can be read."""
    return min(_offsets(data), default=len(data))


def has_member(data: bytes, name: str) -> bool:
    """Whether an archive behind other bytes names this member; nothing else of it is looked at."""
    return name in _offsets_by_name(data)


def _offsets(data: bytes) -> list[int]:
    return list(_offsets_by_name(data).values())


def _offsets_by_name(data: bytes) -> dict[str, int]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {info.filename: info.header_offset for info in archive.infolist()}
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError):
        return {}


def _check(infos: list[zipfile.ZipInfo], caps: Mapping[str, int], mend: str) -> None:
    names = [info.filename for info in infos]
    for info in infos:
        name = info.filename
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
            raise ArchiveError(f"the member {name!r} points outside the archive", mend)
        if name not in caps:
            raise ArchiveError(f"the member {name!r} does not belong in a model file", mend)
        if names.count(name) > 1:
            raise ArchiveError(f"the member {name!r} is there twice", mend)
        if stat.S_ISLNK(info.external_attr >> 16):
            raise ArchiveError(f"the member {name!r} is a link", mend)
        if info.flag_bits & 1:
            raise ArchiveError(f"the member {name!r} is encrypted", mend)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ArchiveError(f"the member {name!r} is neither stored nor deflated", mend)
        if info.file_size > caps[name]:
            raise TooLarge(f"the member {name!r} has {info.file_size} bytes, over {caps[name]}", mend)
        if info.file_size > MAX_RATIO * max(1, info.compress_size):
            raise TooLarge(f"the member {name!r} is compressed more than {MAX_RATIO} to 1", mend)
    missing = [name for name in caps if name not in names]
    if missing:
        raise ArchiveError(f"the member {missing[0]!r} is missing", mend)


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, mend: str) -> bytes:
    with archive.open(info) as member:
        content = member.read(info.file_size + 1)
    if len(content) != info.file_size:
        raise TooLarge(f"the member {info.filename!r} is not of the size it claims", mend)
    return content
