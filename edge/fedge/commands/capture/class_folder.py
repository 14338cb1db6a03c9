"""A class folder that pictures are collected in:

    DIR/LABEL/20261122-101500-250.jpg             the frame, in colour
    DIR/.cut-outs/LABEL/20261122-101500-250.png   what the model's recipe cuts out of it

`fedge train --data DIR` takes the folders whose names do not begin with a dot for classes.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

import cv2

from fedge.data.folders import SPLIT_FOLDERS, split_folders
from fedge.errors import CaptureError
from fedge.images.picture import Picture, as_jpeg, input_to_picture, is_picture
from fedge.images.preprocess import Recipe, prepare
from fedge.system.files import write_bytes

CUT_OUTS = ".cut-outs"
# A system whose disk is full to the last byte neither logs nor boots well.
RESERVE_BYTES = 200_000_000
_LONGEST_NAME = 255


@dataclass(frozen=True)
class Kept:
    """A picture that was kept.

    Attributes:
        file: where it is.
        cut_out: where its cut-out is; None where the recipe does not cut out.
        quality: how sure the cut-out is, in 0..1; None without one.
        empty: whether that is too little to speak of an object.
    """

    file: Path
    cut_out: Path | None = None
    quality: float | None = None
    empty: bool = False


class ClassFolder:
    """Keeps pictures of one class; raises CaptureError where the label cannot be a class folder in `root`.

    Args:
        root: the folder of class folders; nothing is made before the first picture is kept.
        label: the class.
        limit_bytes: what the class may hold, its cut-outs and what is there already included.
        recipe: the model's.
    """

    def __init__(self, root: Path, label: str, limit_bytes: int, recipe: Recipe) -> None:
        _require_class_name(root, label)
        self.path = root / label
        self._cut_outs = root / CUT_OUTS / label
        self._limit, self._recipe = limit_bytes, recipe
        if self.path.exists() and not self.path.is_dir():
            raise CaptureError(f"{self.path} is no folder", "give another label, or another folder with --out")
        self._bytes = sum(file.stat().st_size for folder in (self.path, self._cut_outs) for file in _files(folder))

    def pictures(self) -> list[Path]:
        """The pictures that are there, in order."""
        return sorted(file for file in _files(self.path) if is_picture(file))

    def keep(self, picture: Picture, time: datetime) -> Kept:
        """Keeps a picture, uint8 [h, w, 3] blue-green-red or [h, w], taken at `time`, and its cut-out, or neither.

        Raises CaptureError where there is no room for it or it cannot be written.
        """
        file = self._name(time)
        writes, kept = {file: as_jpeg(picture)}, Kept(file)
        if self._recipe.cut_out is not None:
            seen = prepare(self._recipe, picture)
            kept = Kept(file, self._cut_outs / f"{file.stem}.png", seen.quality, seen.empty)
            assert kept.cut_out is not None
            writes[kept.cut_out] = cv2.imencode(".png", input_to_picture(seen.image))[1].tobytes()
        size = sum(map(len, writes.values()))
        self._require_room(size)
        try:
            with ExitStack() as undo:
                for path, content in writes.items():
                    write_bytes(path, content)
                    undo.callback(path.unlink)
                undo.pop_all()
        except OSError as error:
            raise CaptureError(f"{path} cannot be written ({error.strerror})", "make room, or use --out") from error
        self._bytes += size
        return kept

    def _name(self, time: datetime) -> Path:
        stem = f"{time:%Y%m%d-%H%M%S}-{time.microsecond // 1000:03}"
        names = (self.path / f"{stem}{f'-{i}' if i else ''}.jpg" for i in count())
        return next(path for path in names if not path.exists())

    def _require_room(self, size: int) -> None:
        if self._bytes + size > self._limit:
            raise CaptureError(
                f"{self.path} has the {self._limit / 1e6:g} MB that it may have", "allow more with --max-mb"
            )
        there = next(folder for folder in (self.path, *self.path.absolute().parents) if folder.exists())
        if shutil.disk_usage(there).free - size < RESERVE_BYTES:
            raise CaptureError(
                f"the disk of {self.path} has less than {RESERVE_BYTES / 1e6:g} MB left", "make room, or use --out"
            )


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _require_class_name(root: Path, label: str) -> None:
    mend = "give a label that a folder can have as its name"
    plain = label.isprintable() and label == label.strip() and not set(label) & set("/\\")
    if not label or not plain or label.startswith(".") or len(os.fsencode(label)) > _LONGEST_NAME:
        raise CaptureError(f"{label!r} cannot be the name of a class folder", mend)
    splits = {name for names in SPLIT_FOLDERS.values() for name in names}
    if label.lower() in splits:
        raise CaptureError(f"`fedge train` takes a folder {label!r} for a split, not for a class", mend)
    found = sorted(path.name for path in split_folders(root).values()) if root.is_dir() else []
    if found:
        raise CaptureError(f"{root} has its classes inside {', '.join(found)}", f"give `--out {root / found[0]}`")
