"""Recording what the classifier saw and said, so that it can be replayed: `fedge run --record DIR`.

A recording is a folder of segments; each can be replayed by itself and the oldest is dropped when there are too many:

    segment-000001/recording.json   the model, how decisions are made, and the decider's state at the segment's start
    segment-000001/frames.jsonl     a line per answered frame: what `fedge run --json` prints, and what replaying needs
    segment-000001/00000012.png     what the classifier saw of frame 12, losslessly, before preprocessing
"""

import errno
import json
import os
import re
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from queue import Full, Queue
from threading import Event, Semaphore, Thread
from time import monotonic
from typing import Any

import cv2

from fedge.errors import SourceError
from fedge.images.picture import Picture
from fedge.runner.decisions import Decider
from fedge.runner.health import Health
from fedge.runner.result import Result
from fedge.sources.base import Fault
from fedge.system.files import write_json

FACTS, LINES = "recording.json", "frames.jsonl"
_SEGMENT = re.compile(r"segment-(\d{6,})")
_SEGMENTS = 8
# Pictures wait as they are, up to a megabyte each; lines are small.
_PICTURES_WAITING, _LINES_WAITING = 8, 10_000
_RETRY_SECONDS = 5.0
_CLOSE_SECONDS = 1.0
# A disk that has taken nothing for so long, while the recording may wait for it, is not slow: it is stuck.
_STUCK_SECONDS = 5.0
_TOO_LARGE = "the recording leaves out pictures that its limit has no room for; give --record-mb more"
# More effort makes the file a few percent smaller and takes several times as long.
_PNG_EFFORT = 1


@dataclass(frozen=True)
class _Line:
    content: dict[str, Any]
    picture: Picture | None


@dataclass(frozen=True)
class _NewSegment:
    state: dict[str, Any]


class Recorder:
    """Writes results in a thread of its own; what cannot be written is counted and said, and does not stop the loop.

    Args:
        folder: where; made if need be, and what it already holds is kept as long as there is room.
        limit_bytes: how much the folder may hold; a picture for which that leaves no room is left out.
        facts: what is needed to replay, as JSON.
        state: the decider's state before the first result.
        health: is told of faults, and of the recording's standing as the output `recording`.
        wait: whether to wait for the disk rather than leave pictures out; for sources that are not live.

    Raises SourceError where the folder cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        limit_bytes: int,
        facts: dict[str, Any],
        state: dict[str, Any],
        health: Health,
        wait: bool = False,
    ) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SourceError(f"cannot record in {folder} ({error.strerror})", "give another folder") from error
        self._health, self._wait = health, wait
        self._wanted = Event()
        self._room = Semaphore(_PICTURES_WAITING)
        self._given = self._taken = 0
        self._queue: Queue[_Line | _NewSegment | None] = Queue(_LINES_WAITING)
        self._queue.put(_NewSegment(state))
        self._writer = _Writer(folder, limit_bytes, facts, self._wanted)
        self._thread = Thread(target=self._run, name="fedge-recording", daemon=True)
        self._thread.start()

    def keep(self, result: Result, state: Callable[[], dict[str, Any]]) -> None:
        """Records a result; `state` gives the decider's state after it, which is asked for now and then."""
        picture = result.frame.picture if self._room.acquire(blocking=self._wait) else None
        content = result.to_json() | {
            "picture": None if picture is None else f"{result.number:08}.png",
            "moment": result.frame.moment,
            "evidence": list(result.answer.evidence),
        }
        try:
            self._queue.put(_Line(content, picture), block=self._wait)
            self._given += 1
            if self._wanted.is_set():
                self._queue.put(_NewSegment(state()), block=self._wait)
                self._wanted.clear()
        except Full:
            # Without this line no later decision of the segment could be replayed.
            self._wanted.set()
            self._health.count_fault("recording", "the disk is too slow for the recording")

    def close(self) -> None:
        """Writes what waits: for a second at most, or with `wait` for as long as the disk takes something."""
        with suppress(Full):
            self._queue.put(None, timeout=_CLOSE_SECONDS)
            self._join()
        if left := self._given - self._taken:
            self._health.count_fault("recording", f"the disk was too slow: {left} frames were not recorded at the end")

    def _join(self) -> None:
        if not self._wait:
            self._thread.join(_CLOSE_SECONDS)
            return
        taken = -1
        while self._thread.is_alive() and self._taken != taken:
            taken = self._taken
            self._thread.join(_STUCK_SECONDS)

    def _run(self) -> None:
        failed_at: float | None = None
        said = False
        while (item := self._queue.get()) is not None:
            try:
                if isinstance(item, _NewSegment):
                    self._writer.begin(item.state)
                    self._health.set_output("recording", "ok")
                    failed_at = None
                elif failed_at is None:
                    fits = self._writer.write(item)
                    if not fits and not said:
                        self._health.count_fault("recording", _TOO_LARGE)
                        said = True
                elif monotonic() - failed_at >= _RETRY_SECONDS:
                    self._wanted.set()
            except OSError as error:
                failed_at = monotonic()
                message = f"cannot record ({error.strerror})"
                self._health.count_fault("recording", message)
                self._health.set_output("recording", message)
            if isinstance(item, _Line):
                self._taken += 1
                if item.picture is not None:
                    self._room.release()
        self._writer.end()


class _Writer:
    def __init__(self, folder: Path, limit_bytes: int, facts: dict[str, Any], wanted: Event) -> None:
        self._folder, self._limit, self._facts, self._wanted = folder, limit_bytes, facts, wanted
        self._sizes = {path: _size(path) for path in segments(folder)}
        self._segment: Path | None = None
        self._lines: FileIO | None = None

    def begin(self, state: dict[str, Any]) -> None:
        self.end()
        number = max((int(path.name.removeprefix("segment-")) for path in self._sizes), default=0) + 1
        segment = self._folder / f"segment-{number:06}"
        segment.mkdir()
        try:
            write_json(segment / FACTS, self._facts | {"state": state})
            size = _size(segment)
            self._lines = (segment / LINES).open("xb", buffering=0)
        except OSError:
            # A disk that stays full would get one more of these at each attempt.
            shutil.rmtree(segment, ignore_errors=True)
            raise
        self._segment, self._sizes[segment] = segment, size
        self._make_room(0)

    def write(self, item: _Line) -> bool:
        """Writes the line, and the picture if the segment may hold it too; gives whether it may."""
        assert self._segment and self._lines
        text = _encode_line(item.content)
        png = b"" if item.picture is None else _encode(item.picture)
        fits = self._sizes[self._segment] + len(text) + len(png) <= self._limit
        if not fits:
            text, png = _encode_line(item.content | {"picture": None}), b""
        self._make_room(len(text) + len(png))
        end = self._lines.tell()
        path = self._segment / str(item.content["picture"])
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
                self._drop(self._segment)
            self.end()
            raise
        self._sizes[self._segment] += len(text) + len(png)
        if self._sizes[self._segment] >= self._limit / _SEGMENTS:
            self._wanted.set()
        return fits

    def end(self) -> None:
        if self._lines:
            self._lines.close()
        # One that was begun just before the run ended or the next one began says nothing; the first says which model.
        if self._segment in self._sizes and len(self._sizes) > 1 and not (self._segment / LINES).stat().st_size:
            self._drop(self._segment)
        self._lines = self._segment = None

    def _make_room(self, size: int) -> None:
        for oldest in list(self._sizes)[:-1]:
            if sum(self._sizes.values()) + size <= self._limit:
                return
            self._drop(oldest)

    def _drop(self, segment: Path) -> None:
        shutil.rmtree(segment, ignore_errors=True)
        del self._sizes[segment]


def recorded(
    results: Iterator[Result | Fault | None], recorder: Recorder, decider: Decider
) -> Generator[Result | Fault | None]:
    """Passes everything on and records the results."""
    for item in results:
        if isinstance(item, Result):
            recorder.keep(item, decider.state)
        yield item


def segments(folder: Path) -> list[Path]:
    """The recording's segments, oldest first."""
    found = [path for path in folder.iterdir() if _SEGMENT.fullmatch(path.name) and path.is_dir()]
    return sorted(found, key=lambda path: int(path.name.removeprefix("segment-")))


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def _encode_line(content: dict[str, Any]) -> bytes:
    # A file's name need not be UTF-8; JSON has the escape for what it is read as.
    return (json.dumps(content, ensure_ascii=False) + "\n").encode(errors="backslashreplace")


def _encode(picture: Picture) -> bytes:
    return cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, _PNG_EFFORT])[1].tobytes()
