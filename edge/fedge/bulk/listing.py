"""From what the user names to the pictures there, one after the other: a million of them take no memory together.

The order is the same each time, so that a second run finds the partitions of the first. For it the names in one folder
are sorted, and so in memory together; those of different folders are not.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from fedge.bulk.containers import is_container, members
from fedge.bulk.filesystems import is_remote, open_filesystem, shown
from fedge.bulk.items import Item
from fedge.errors import SourceError
from fedge.images.picture import is_picture
from fedge.system.console import file_name

_LISTS = frozenset({".txt", ".lst", ".list"})
_MAGIC = re.compile(r"[*?\[]")
_CHECK = "check the path"


class Listing:
    """The pictures of sources; may be gone through more than once.

    Args:
        sources: folders, files, glob patterns, lists (`@FILE`, or a text file: a line for each source, with the known
            label behind a tab if there is one), tar and zip archives, Parquet files, and URLs of all of these.
        labels: where known labels are: `folders`, the name of a table's column, or None.
        column: the column of tables that has the pictures; the only one if None.
    """

    def __init__(self, sources: tuple[str, ...], labels: str | None = None, column: str | None = None) -> None:
        self._sources, self._labels, self._column = sources, labels, column

    def __iter__(self) -> Iterator[Item]:
        """The pictures in order; raises SourceError where a source is not there, or has none."""
        for source in self._sources:
            count = 0
            for item in self._source(source):
                count += 1
                yield item
            if not count:
                raise SourceError(f"{_name(source)} has no pictures", "give JPEG or PNG files")

    def _source(self, source: str) -> Iterator[Item]:
        if source.startswith("@"):
            yield from self._list(source[1:])
        elif is_remote(source):
            yield from self._remote(source)
        elif (path := Path(source)).is_dir():
            yield from self._folder(source)
        elif path.is_file():
            listed = path.suffix.lower() in _LISTS
            yield from self._list(source) if listed else self._file(source)
        elif _MAGIC.search(source):
            yield from self._pattern(source)
        else:
            raise SourceError(f"there is no file, folder or picture {_name(source)}", _CHECK)

    def _file(self, address: str, truth: str | None = None) -> Iterator[Item]:
        if is_container(address):
            yield from members(address, self._labels, self._column)
            return
        uri = shown(address) if is_remote(address) else file_name(Path(address))
        if truth is None and self._labels == "folders":
            truth = PurePosixPath(uri).parent.name or None
        yield Item(uri, address, truth=truth if self._labels else None)

    def _folder(self, folder: str) -> Iterator[Item]:
        for path in _walk(folder):
            if is_picture(Path(path)) or is_container(path):
                yield from self._file(path)

    def _pattern(self, pattern: str) -> Iterator[Item]:
        from fsspec.utils import glob_translate

        root, matches = _fixed_part(pattern), re.compile(glob_translate(pattern)).match
        if not Path(root or ".").is_dir():
            raise SourceError(f"there is no file, folder or picture {_name(pattern)}", _CHECK)
        for path in _walk(root or "."):
            path = path.removeprefix("./") if not root else path
            if matches(path) and (is_picture(Path(path)) or is_container(path)):
                yield from self._file(path)

    def _list(self, source: str) -> Iterator[Item]:
        try:
            with open(source, encoding="utf-8", errors="surrogateescape") as lines:
                for line in lines:
                    entry, _, truth = line.rstrip("\r\n").partition("\t")
                    if not entry or entry.startswith("#"):
                        continue
                    # A file that is missing is a row with its error, not the end of a list of millions.
                    folder = not is_remote(entry) and Path(entry).is_dir()
                    yield from self._folder(entry) if folder else self._file(entry, truth or None)
        except OSError as error:
            raise SourceError(f"the list {_name(source)} cannot be read ({error.strerror})", _CHECK) from error

    def _remote(self, url: str) -> Iterator[Item]:
        name = shown(url)
        if url.startswith(("http://", "https://")):
            yield from self._file(url)
            return
        filesystem, path = open_filesystem(url)
        scheme = url.partition("://")[0]
        matches = None
        if _MAGIC.search(path):
            from fsspec.utils import glob_translate

            matches = re.compile(glob_translate(path)).match
            path = _fixed_part(path)
        elif filesystem.isfile(path):
            yield from self._file(url)
            return
        if not filesystem.isdir(path):
            raise SourceError(f"there is no file or folder {name}", "check the address, and that you may read it")
        for found in _walk_remote(filesystem, path.rstrip("/")):
            address = f"{scheme}://{found}"
            if (matches is None or matches(found)) and (is_picture(Path(found)) or is_container(address)):
                yield from self._file(address)


def _name(source: str) -> str:
    return shown(source) if is_remote(source) else file_name(Path(source))


def _fixed_part(pattern: str) -> str:
    """The folder in which all that a pattern can match lies; empty where that is the working folder."""
    before = pattern[: _MAGIC.search(pattern).start()]  # type: ignore[union-attr]
    return before.rpartition("/")[0] or ("/" if before.startswith("/") else "")


def _walk(folder: str) -> Iterator[str]:
    """The files below a folder in the order of their names, without hidden ones; links to folders are not followed."""
    try:
        with os.scandir(folder) as entries:
            names = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    except OSError as error:
        mend = "change its permissions"
        raise SourceError(f"the folder {_name(folder)} cannot be read ({error.strerror})", mend) from error
    for name, is_folder in names:
        if name.startswith("."):
            continue
        path = f"{folder.rstrip('/')}/{name}"
        if is_folder:
            yield from _walk(path)
        else:
            yield path


def _walk_remote(filesystem: Any, folder: str) -> Iterator[str]:
    for entry in sorted(filesystem.ls(folder, detail=True), key=lambda entry: str(entry["name"])):
        name = str(entry["name"])
        if PurePosixPath(name).name.startswith(".") or name.rstrip("/") == folder:
            continue
        if entry["type"] == "directory":
            yield from _walk_remote(filesystem, name)
        else:
            yield name
