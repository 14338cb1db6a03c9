"""A picture that is to be classified, and the partitions that pictures are classified in."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

Kind = Literal["file", "tar", "zip", "row"]


@dataclass(frozen=True, slots=True)
class Item:
    """Where a picture is.

    Attributes:
        uri: what the results call it; without what may be secret in its address.
        address: the path or URL of its file, or of the archive or table that holds it.
        kind: how it is held: as a file, in a tar or zip archive, or in a row of a Parquet file.
        truth: its known label; None where none is known, or none was asked for.
        member: the name within a zip archive, or the column of a table.
        offset: of a tar archive's member its first byte; of a table's row its number within the row group.
        size: of a tar archive's member its bytes; of a table's row the number of the row group.
    """

    uri: str
    address: str
    kind: Kind = "file"
    truth: str | None = None
    member: str = ""
    offset: int = 0
    size: int = 0


@dataclass(frozen=True)
class Partition:
    """Pictures that are classified together, and whose rows are written together or not at all."""

    number: int
    items: tuple[Item, ...]

    @property
    def digest(self) -> str:
        """The SHA-256 of the pictures' names and known labels: by it a second run knows what it has done."""
        digest = hashlib.sha256()
        for item in self.items:
            digest.update(f"{item.uri}\t{item.truth}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()


def partitions(items: Iterable[Item], size: int) -> Iterator[Partition]:
    """The items in partitions of `size`, numbered from 0; only one of them is in memory."""
    remaining = iter(items)
    number = 0
    while found := tuple(islice(remaining, size)):
        yield Partition(number, found)
        number += 1
