"""A folder whose oldest entries go when it gets too large."""

from collections.abc import Callable, Iterable
from pathlib import Path


class BoundedFolder:
    """What a folder holds, entry by entry, within a number of bytes.

    Args:
        limit_bytes: how much the entries may have together.
        entries: what is there already, oldest first, each with its size in bytes.
        remove: deletes an entry.
    """

    def __init__(self, limit_bytes: int, entries: Iterable[tuple[Path, int]], remove: Callable[[Path], None]) -> None:
        self.limit_bytes, self._remove = limit_bytes, remove
        self._sizes = dict(entries)
        self._total = sum(self._sizes.values())

    def __len__(self) -> int:
        return len(self._sizes)

    def __contains__(self, entry: object) -> bool:
        return entry in self._sizes

    def size(self, entry: Path) -> int:
        """The bytes of an entry."""
        return self._sizes[entry]

    def grow(self, entry: Path, size: int) -> None:
        """An entry, the newest if it is new, has so many bytes more."""
        self._sizes[entry] = self._sizes.get(entry, 0) + size
        self._total += size

    def make_room(self, size: int, sparing: Path | None = None) -> None:
        """Removes the oldest entries, but for `sparing`, until so many bytes more have room."""
        for oldest in list(self._sizes):
            if self._total + size <= self.limit_bytes:
                return
            if oldest != sparing:
                self.drop(oldest)

    def drop(self, entry: Path) -> None:
        """Removes an entry."""
        self._remove(entry)
        self._total -= self._sizes.pop(entry)
