"""A CSV file that rotates by size."""

import csv
import io
import os
from itertools import pairwise
from pathlib import Path

from fedge.errors import OutputError
from fedge.outputs.base import Output
from fedge.outputs.payload import COLUMNS, REGION_COLUMN, Value, row
from fedge.runner.result import Result
from fedge.system.console import echo, printable
from fedge.system.files import PeriodicSync

# A spreadsheet takes text that begins like this for a formula and runs it; labels come from model files.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_LONGEST_ROW = 1 << 16
_LOOKED_THROUGH = 16 << 20


class CsvFile(Output):
    """A row per frame; raises OutputError where the file cannot be opened.

    `FILE` is the newest, then `FILE.1`, and so on; the oldest goes when there are more than `files`. A line that a
    crash cut short is removed when the file is opened again, one that a full disk cut short at once. Rows are synced
    every two seconds; the zeros that a power cut leaves of later ones, and all behind them, are removed, and that is
    said. Text that a spreadsheet would take for a formula gets an apostrophe in front.

    Args:
        path: the newest file; its folder is made if need be.
        max_bytes: no file grows over this.
        files: how many files are kept, the newest among them.
        regions: whether results are of named regions, which have a column then.
    """

    name = "csv"

    def __init__(self, path: Path, max_bytes: int, files: int, regions: bool = False) -> None:
        self._path, self._max_bytes, self._files = path, max_bytes, files
        self._header = _line(tuple(name for name, _ in (*COLUMNS, *((REGION_COLUMN,) if regions else ()))))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            for kept in self._kept():
                _require_ours(kept, self._header)
            self._descriptor = _open(path)
            _cut_damage(self._descriptor, path)
            if self._size() and os.pread(self._descriptor, len(self._header), 0) != self._header:
                self._rotate()
            self._sync = PeriodicSync(path.parent)
        except OSError as error:
            raise OutputError(f"{path} cannot be written ({error.strerror})", "give --csv another path") from error

    def show(self, result: Result) -> None:
        """Appends a row, whole or not at all; raises OSError."""
        line = _line(row(result))
        size = self._size()
        if size and size + len(line) > self._max_bytes:
            self._rotate()
            size = 0
        self._append(line if size else self._header + line, size)
        self._sync.note()

    def close(self) -> None:
        """Closes the file."""
        self._sync.close()
        os.close(self._descriptor)

    def _append(self, data: bytes, size: int) -> None:
        try:
            written = os.write(self._descriptor, data)
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError:
            if self._size() > size:
                os.ftruncate(self._descriptor, size)
            raise

    def _size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def _rotate(self) -> None:
        # If the newest file is missing, an earlier attempt moved it and then could not open a fresh one: the files must
        # not be moved twice.
        if self._path.exists():
            self._shift()
        fresh = _open(self._path)
        os.close(self._descriptor)
        self._descriptor = fresh

    def _kept(self) -> list[Path]:
        """The newest file and those that it moves to, oldest last, whether they are there or not."""
        return [self._path, *(self._path.with_name(f"{self._path.name}.{i}") for i in range(1, self._files))]

    def _shift(self) -> None:
        kept = self._kept()
        for newer, older in reversed(list(pairwise(kept))):
            if newer.exists():
                os.replace(newer, older)
        if self._files == 1:
            self._path.unlink()


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)


def _require_ours(path: Path, header: bytes) -> None:
    """Raises OutputError for a file that no `--csv` began: nothing of it may be cut, renamed or removed."""
    if not path.exists():
        return
    with path.open("rb") as file:
        start = file.read(_LONGEST_ROW)
    first, end, _ = start.partition(b"\n")
    # An older version had other columns behind the first ones; a power cut may leave zeros or a part of the header.
    ours = first.startswith(header[: header.index(b",source")]) if end else header.startswith(start.rstrip(b"\0"))
    if not ours:
        raise OutputError(f"{path} is not a file that --csv began", "give --csv another path")


def _cut_damage(descriptor: int, path: Path) -> None:
    """Cuts off what a crash left of a last line, or from the first zeros on what a power cut left of the last seconds.

    Zeros are looked for in the last 16 MiB, which no seconds fill; a line may be of any length.
    """
    end = os.fstat(descriptor).st_size
    begin = max(0, end - _LOOKED_THROUGH)
    zeros = os.pread(descriptor, end - begin, begin).find(b"\0")
    start = end if zeros < 0 else begin + zeros
    while start > 0:
        begin = max(0, start - _LONGEST_ROW)
        last = os.pread(descriptor, start - begin, begin).rfind(b"\n")
        if last >= 0:
            start = begin + last + 1
            break
        start = begin
    if start < end:
        os.ftruncate(descriptor, start)
    if zeros >= 0:
        echo(f"{printable(str(path))}: the last {end - start:,} bytes, damaged by a power cut, are removed")


def _line(values: tuple[Value, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([_cell(value) for value in values])
    return text.getvalue().encode()


def _cell(value: Value) -> Value:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
