"""The pictures in archives and tables: tar, zip, Parquet."""

import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO, Any

from fedge.bulk.filesystems import is_remote, open_filesystem, shown
from fedge.bulk.items import Item
from fedge.errors import SourceError
from fedge.images.picture import SUFFIXES

CONTAINERS = frozenset({".tar", ".zip", ".parquet"})
_UNSEEKABLE = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
LABEL = "label"


def is_container(address: str) -> bool:
    """Whether the name is that of an archive or a table; raises SourceError for an archive that cannot be sought in."""
    name = address.partition("?")[0].lower()
    if name.endswith(_UNSEEKABLE):
        raise SourceError(f"{shown(address)} is compressed as a whole", "unpack it to a .tar, or give it as a .zip")
    return PurePosixPath(name).suffix in CONTAINERS


@contextmanager
def opened(address: str) -> Iterator[IO[bytes]]:
    """A local or remote file, opened for reading; it can be sought in."""
    if not is_remote(address):
        with open(address, "rb") as local:
            yield local
        return
    filesystem, path = open_filesystem(address)
    with filesystem.open(path, "rb") as remote:
        yield remote


def members(address: str, labels: str | None, column: str | None) -> Iterator[Item]:
    """The pictures in an archive or a table.

    Args:
        address: its path or URL.
        labels: `folders`, a table's column with the known labels, or None where they are of no interest.
        column: of a table, the column with the pictures' bytes; its only one of that kind if None.

    Raises SourceError where it is not what its name says.
    """
    suffix = PurePosixPath(address.partition("?")[0].lower()).suffix
    read = {".tar": _tar, ".zip": _zip}.get(suffix)
    try:
        with opened(address) as file:
            yield from read(file, address, labels is not None) if read else _rows(file, address, labels, column)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise SourceError(f"{shown(address)} is damaged ({error})", f"give a {suffix} file that is whole") from error
    except FileNotFoundError as error:
        raise SourceError(f"there is no {shown(address)}", "check the address") from error


def _tar(file: IO[bytes], address: str, labelled: bool) -> Iterator[Item]:
    with tarfile.open(fileobj=file, mode="r:") as archive:
        for member in archive:
            # The archive keeps every member that it has seen.
            archive.members = []  # type: ignore[attr-defined]
            if member.isfile() and _is_picture(member.name):
                uri = f"tar://{member.name}::{shown(address)}"
                truth = _folder(member.name) if labelled else None
                yield Item(uri, address, "tar", truth, member.name, member.offset_data, member.size)


def _zip(file: IO[bytes], address: str, labelled: bool) -> Iterator[Item]:
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if _is_picture(name):
                truth = _folder(name) if labelled else None
                yield Item(f"zip://{name}::{shown(address)}", address, "zip", truth, name)


def _rows(file: IO[bytes], address: str, labels: str | None, column: str | None) -> Iterator[Item]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file)
        schema = table.schema_arrow
    except pa.ArrowInvalid as error:
        raise SourceError(f"{shown(address)} is no Parquet file", "give one that is whole") from error
    found = picture_column(address, schema, column)
    known = labels if labels in schema.names else LABEL if labels == "folders" and LABEL in schema.names else None
    if labels not in (None, "folders") and known is None:
        raise SourceError(f"{shown(address)} has no column {labels}", f"choose one of {', '.join(schema.names)}")
    number = 0
    for group in range(table.num_row_groups):
        count = table.metadata.row_group(group).num_rows
        truths = table.read_row_group(group, columns=[known])[known].to_pylist() if known else [None] * count
        for row, truth in enumerate(truths):
            text = None if truth is None else str(truth)
            yield Item(f"{shown(address)}#row={number}", address, "row", text, found, row, group)
            number += 1


def picture_column(address: str, schema: Any, asked: str | None) -> str:
    """The column of a table that holds pictures: bytes, or a struct with `bytes` as Hugging Face's data sets have it.

    Raises SourceError where there is none or several, or the one `asked` for is not of that kind.
    """
    import pyarrow.types as kinds

    def holds_bytes(kind: Any) -> bool:
        if kinds.is_struct(kind):
            index = kind.get_field_index("bytes")
            return index >= 0 and holds_bytes(kind.field(index).type)
        return bool(kinds.is_binary(kind) or kinds.is_large_binary(kind))

    found = [field.name for field in schema if holds_bytes(field.type)]
    if asked is None and len(found) == 1:
        return str(found[0])
    if asked in found:
        return str(asked)
    if not found:
        raise SourceError(f"{shown(address)} has no column of bytes", "give a table with the pictures' files in one")
    wrong = f"has {len(found)} columns of bytes" if asked is None else f"has no column of bytes called {asked}"
    raise SourceError(f"{shown(address)} {wrong}", f"choose with --column: {', '.join(found)}")


def _is_picture(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in path.parts)


def _folder(name: str) -> str | None:
    return PurePosixPath(name).parent.name or None
