"""Picture files that are read more than once: their contents are kept in memory up to a limit."""

from pathlib import Path

from fedge.images.picture import Picture, decode, decode_with_notes, read_content

MOST_BYTES = 500_000_000


class PictureFiles:
    """Reads picture files, each of them once as long as all of them together have 500 MB (`MOST_BYTES`) or less.

    What is kept is the files' bytes, which are fewer than their pixels'. A file that does not fit into the limit, in
    bytes, beside those kept before it is read again each time.
    """

    def __init__(self, limit_bytes: int = MOST_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._kept: dict[Path, bytes] = {}
        self._kept_bytes = 0

    def read(self, path: Path) -> Picture:
        """What `read_picture` gives, in the same way; raises DataError."""
        return decode(path, self._content(path))

    def read_with_notes(self, path: Path) -> tuple[Picture, tuple[str, ...]]:
        """What `fedge.images.picture.read_with_notes` gives, in the same way; raises DataError."""
        return decode_with_notes(path, self._content(path))

    def release(self) -> None:
        """Lets go of all that is kept; what is read from now on is kept again."""
        self._kept.clear()
        self._kept_bytes = 0

    def _content(self, path: Path) -> bytes:
        if path in self._kept:
            return self._kept[path]
        content = read_content(path)
        if self._kept_bytes + len(content) <= self._limit_bytes:
            self._kept[path] = content
            self._kept_bytes += len(content)
        return content
