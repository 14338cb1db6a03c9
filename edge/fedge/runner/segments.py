"""The files of a recording.

A recording is a folder of segments; each can be replayed by itself and the oldest is dropped when there are too many:

    segment-000001/recording.json   the model, how decisions are made, and the decider's state at the segment's start
    segment-000001/frames.jsonl     a line per answered frame: what `fedge run --json` prints, and what replaying needs
    segment-000001/00000012.png     what the classifier saw of frame 12, losslessly, before preprocessing
    segment-000001/end.json         how many lines and pictures there are; missing where the run was cut off
"""

import errno
import json
import os
import re
import shutil
from io import FileIO
from pathlib import Path

import cv2

from fedge.images.picture import Picture
from fedge.system.files import BoundedFolder, PeriodicSync, write_json
from fedge.system.json_types import JsonObject

FACTS, LINES, END = "recording.json", "frames.jsonl", "end.json"
_SEGMENT = re.compile(r"segment-(\d{6,})")
_SEGMENTS = 8
# More effort makes the file a few percent smaller and takes several times as long.
_PNG_EFFORT = 1


class SegmentWriter:
    """Writes segments; each method raises OSError, after which a segment has to be begun before the next line.

    A picture is written before the line that names it, and both are synced within `SYNC_SECONDS`.

    Args:
        folder: where; it is there already.
        limit_bytes: how much the folder may hold; the oldest segments go for newer ones.
        facts: what is needed to replay, as JSON.
    """

    def __init__(self, folder: Path, limit_bytes: int, facts: JsonObject) -> None:
        self._folder, self._facts = folder, facts
        self._kept = BoundedFolder(limit_bytes, [(path, _size(path)) for path in segments(folder)], _remove)
        self._newest = max(map(_number, segments(folder)), default=0)
        self._segment: Path | None = None
        self._lines: FileIO | None = None
        self._counts = {"lines": 0, "pictures": 0}
        self._sync = PeriodicSync(folder)

    @property
    def is_full(self) -> bool:
        """Whether the segment has its share of what the folder may hold, so that the next should be begun."""
        return self._segment is not None and self._kept.size(self._segment) >= self._kept.limit_bytes / _SEGMENTS

    def begin(self, state: JsonObject) -> None:
        """Begins the next segment with the decider's state."""
        self.end()
        segment = self._folder / f"segment-{self._newest + 1:06}"
        segment.mkdir()
        try:
            # A segment that says so is known to be cut off where its end is missing.
            write_json(segment / FACTS, self._facts | {"state": state, "has_end": True})
            size = _size(segment)
            self._lines = (segment / LINES).open("xb", buffering=0)
        except OSError:
            # A disk that stays full would get one more of these at each attempt.
            _remove(segment)
            raise
        self._newest += 1
        self._segment, self._counts = segment, {"lines": 0, "pictures": 0}
        self._kept.grow(segment, size)
        self._kept.make_room(0, sparing=segment)

    def write(self, content: JsonObject, picture: Picture | None) -> bool:
        """Writes the line, and the picture if the segment may hold it too; gives whether it may."""
        assert self._segment and self._lines
        text = _encode_line(content)
        png = b"" if picture is None else _encode(picture)
        fits = self._kept.size(self._segment) + len(text) + len(png) <= self._kept.limit_bytes
        if not fits:
            text, png = _encode_line(content | {"picture": None}), b""
        self._kept.make_room(len(text) + len(png), sparing=self._segment)
        end = self._lines.tell()
        path = self._segment / str(content["picture"])
        try:
            if png:
                path.write_bytes(png)
            if self._lines.write(text) < len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            # What follows a half-written line could not be read.
            self._lines.truncate(end)
            path.unlink(missing_ok=True)
            if not end:
                self._kept.drop(self._segment)
            self.end()
            raise
        self._kept.grow(self._segment, len(text) + len(png))
        self._counts = {"lines": self._counts["lines"] + 1, "pictures": self._counts["pictures"] + bool(png)}
        self._sync.note()
        return fits

    def end(self) -> None:
        """Ends the segment that was begun, if there is one."""
        if self._lines:
            self._lines.close()
        if self._segment in self._kept and self._segment is not None:
            # One that was begun just before the run ended or the next one began says nothing; the first says which
            # model.
            if len(self._kept) > 1 and not self._counts["lines"]:
                self._kept.drop(self._segment)
            else:
                self._write_end(self._segment)
        self._lines = self._segment = None

    def close(self) -> None:
        """Ends for good."""
        self.end()
        self._sync.close()

    def _write_end(self, segment: Path) -> None:
        try:
            write_json(segment / END, self._counts)
        except OSError:
            return
        self._kept.grow(segment, (segment / END).stat().st_size)


def segments(folder: Path) -> list[Path]:
    """The recording's segments, oldest first."""
    return sorted((path for path in folder.iterdir() if _SEGMENT.fullmatch(path.name) and path.is_dir()), key=_number)


def _number(segment: Path) -> int:
    return int(segment.name.removeprefix("segment-"))


def _remove(segment: Path) -> None:
    shutil.rmtree(segment, ignore_errors=True)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def _encode_line(content: JsonObject) -> bytes:
    # A file's name need not be UTF-8; JSON has the escape for what it is read as.
    return (json.dumps(content, ensure_ascii=False) + "\n").encode(errors="backslashreplace")


def _encode(picture: Picture) -> bytes:
    return cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, _PNG_EFFORT])[1].tobytes()
