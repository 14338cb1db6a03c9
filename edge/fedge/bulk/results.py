"""The folder of results: a Parquet file for each partition, and what the run was asked for."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fedge.bulk.items import Partition
from fedge.bulk.rows import DIGEST
from fedge.errors import BulkError
from fedge.system.files import sync_folder, write_json
from fedge.system.json_types import JsonObject
from fedge.system.locks import locked

# Names that begin with _ or . are no part of a data set for those who read it.
SETTINGS = "_classify.json"
_PART = re.compile(r"part-(\d{6,})\.parquet")
_UNFINISHED = ".unfinished"
_ELSEWHERE = "give a new folder with --out, or remove this one"


class Results:
    """A folder of results that is being written; by `open_results`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, number: int) -> Path:
        """The file of a partition."""
        return self.folder / f"part-{number:06d}.parquet"

    def has(self, partition: Partition) -> bool:
        """Whether the partition is written; raises BulkError where what is written is of other pictures."""
        path = self.path(partition.number)
        if not path.exists():
            return False
        try:
            metadata = pq.read_schema(path).metadata or {}
        except (OSError, pa.ArrowInvalid) as error:
            raise BulkError(f"{path} is damaged", "remove it, and run the same command again") from error
        if metadata.get(DIGEST) != partition.digest.encode():
            raise BulkError(f"{path} has rows of other pictures: the sources have changed since", _ELSEWHERE)
        return True

    def write(self, number: int, content: bytes) -> None:
        """Writes a partition's file, whole or not at all."""
        # DuckDB's *.parquet takes hidden files too, so what is unfinished must not end so.
        unfinished = self.folder / f"_part-{number:06d}{_UNFINISHED}"
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, self.path(number))
        sync_folder(self.folder)

    def require_no_more(self, count: int) -> None:
        """Raises BulkError where there are partitions beyond the `count` that the sources have."""
        if (most := max(self.numbers(), default=-1)) >= count:
            raise BulkError(f"{self.path(most)} is left of a run whose sources had more pictures", _ELSEWHERE)

    def numbers(self) -> list[int]:
        """The partitions that are written, in order."""
        return sorted(int(found[1]) for path in self.folder.iterdir() if (found := _PART.fullmatch(path.name)))


@contextmanager
def open_results(folder: Path, settings: JsonObject) -> Iterator[Results]:
    """The folder, made if need be, held alone by this process.

    Raises BulkError where it holds something else, another run's results, or another process is at work in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    busy = BulkError(f"another process is at work in {folder}", "wait until it has ended, or give another --out")
    with locked(folder, busy):
        _require_same(folder, settings)
        for unfinished in folder.glob(f"*{_UNFINISHED}"):
            # It was being written when the run before was killed.
            unfinished.unlink(missing_ok=True)
        yield Results(folder)


def _require_same(folder: Path, settings: JsonObject) -> None:
    path = folder / SETTINGS
    if not path.exists():
        if any(not path.name.startswith(".") for path in folder.iterdir()):
            raise BulkError(f"{folder} holds something else than results", "give a new or empty folder with --out")
        write_json(path, settings)
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BulkError(f"{path} is damaged", _ELSEWHERE) from error
    differing = [name for name in settings if not isinstance(before, dict) or before.get(name) != settings[name]]
    if differing:
        raise BulkError(f"{folder} has results of another run: {', '.join(differing)} differs", _ELSEWHERE)
