"""The bytes of pictures, wherever they are; an archive or a table is opened once for all that follow each other."""

import zipfile
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from fedge.bulk.containers import opened
from fedge.bulk.filesystems import is_remote, open_filesystem
from fedge.bulk.items import Item
from fedge.errors import DataError, FedgeError
from fedge.images.picture import read_content

_TRIES = 3
_MEND = "check that it is there and may be read"


def contents(items: Iterable[Item]) -> Iterator[tuple[Item, bytes | FedgeError]]:
    """Each item with its file's bytes, or with why there are none, in order."""
    for (kind, address), group in groupby(items, key=lambda item: (item.kind, item.address)):
        together = list(group)
        if kind == "file":
            yield from ((item, _file(item)) for item in together)
            continue
        read = {"tar": _tar, "zip": _zip, "row": _rows}[kind]
        given = 0
        try:
            for pair in read(address, together):
                given += 1
                yield pair
        except Exception as error:
            # Every file system has errors of its own; each picture that it kept back is a row with the reason.
            yield from ((item, _unreadable(item, error)) for item in together[given:])


def _file(item: Item) -> bytes | FedgeError:
    if not is_remote(item.address):
        try:
            return read_content(Path(item.address))
        except DataError as error:
            return error
    for attempt in range(1, _TRIES + 1):
        try:
            filesystem, path = open_filesystem(item.address)
            return bytes(filesystem.cat_file(path))
        except FileNotFoundError as error:
            return _unreadable(item, error)
        except Exception as error:
            if attempt == _TRIES:
                return _unreadable(item, error)
    raise AssertionError("the last attempt returns")


def _tar(address: str, items: list[Item]) -> Iterator[tuple[Item, bytes | FedgeError]]:
    with opened(address) as file:
        for item in items:
            file.seek(item.offset)
            yield item, file.read(item.size)


def _zip(address: str, items: list[Item]) -> Iterator[tuple[Item, bytes | FedgeError]]:
    with opened(address) as file, zipfile.ZipFile(file) as archive:
        for item in items:
            try:
                yield item, archive.read(item.member)
            except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError) as error:
                yield item, _unreadable(item, error)


def _rows(address: str, items: list[Item]) -> Iterator[tuple[Item, bytes | FedgeError]]:
    import pyarrow.parquet as pq

    with opened(address) as file:
        table = pq.ParquetFile(file)
        for number, group in groupby(items, key=lambda item: item.size):
            together = list(group)
            column = table.read_row_group(number, columns=[together[0].member]).column(0)
            for item in together:
                value = column[item.offset].as_py()
                data = value.get("bytes") if isinstance(value, dict) else value
                yield item, bytes(data) if data else DataError(f"{item.uri} has no picture", "fill its row")


def _unreadable(item: Item, error: Exception) -> DataError:
    # Libraries put whole addresses into their messages, with the keys in them.
    reason = getattr(error, "strerror", None) or type(error).__name__
    return DataError(f"{item.uri} cannot be read ({reason})", _MEND)
