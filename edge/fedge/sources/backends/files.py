"""Picture files as a source: one, a folder of them, or a glob pattern."""

import glob
from collections.abc import Iterator
from pathlib import Path

from fedge.errors import DataError, SourceError
from fedge.images.picture import is_picture, read_with_notes
from fedge.sources.address import require_no_address
from fedge.sources.base import Frame
from fedge.sources.view import View
from fedge.system.console import echo, file_name
from fedge.system.files import is_hidden


class PictureFiles:
    """Reads picture files in the order given, as `view` says; those that cannot be read are named on stderr."""

    live = False
    moving = False

    def __init__(self, paths: list[Path], view: View) -> None:
        self._paths, self._view = paths, view
        self.unreadable = 0

    def frames(self) -> Iterator[Frame]:
        """A frame per readable file; raises SourceError where none is."""
        for path in self._paths:
            try:
                picture, notes = read_with_notes(path)
                picture = self._view.apply(picture)
            except (DataError, SourceError) as error:
                self.unreadable += 1
                if len(self._paths) == 1:
                    raise SourceError(error.what, error.mend) from error
                echo(f"skipped: {error.what}")
                continue
            for note in notes:
                echo(note)
            yield Frame(picture, file_name(path))
        if self.unreadable == len(self._paths):
            raise SourceError(f"none of the {len(self._paths)} pictures can be read", "give JPEG or PNG files")

    def close(self) -> None:
        """Nothing is held open between frames."""


def find_pictures(pattern: str) -> list[Path]:
    """The picture files that a path, a folder or a glob pattern names; raises SourceError where there is none."""
    path = Path(pattern)
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.is_file() and is_picture(p) and not is_hidden(p, path))
        if not found:
            raise SourceError(f"the folder {path} has no pictures", "give a folder with JPEG or PNG files")
        return found
    if path.is_file():
        return [path]
    found = sorted(Path(name) for name in glob.glob(pattern, recursive=True) if is_picture(Path(name)))
    if not found:
        require_no_address(pattern)
        raise SourceError(f"there is no file, folder or picture {pattern}", "check the path")
    return found
