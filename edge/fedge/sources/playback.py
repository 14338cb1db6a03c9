"""Files played as a camera would give them: again from the start, or no faster than they were recorded."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event
from time import monotonic

from fedge.errors import SourceError
from fedge.sources.base import Fault, Frame, Source

# How long a picture that is no video is shown.
_PICTURE_SECONDS = 1.0
# How far apart the last frame of a video and the first of its next round are.
_STEP_SECONDS = 1 / 25
_POLL_SECONDS = 0.1


class Playback:
    """The frames of a file or folder; `position` goes on over the rounds. Raises SourceError for a live source.

    Args:
        opened: opens the source; called once for each round.
        loop: whether it begins again at its end.
        realtime: whether a frame of a video is given no earlier than at its position, and a picture a second after the
            one before. Where the answers take longer, none is left out, and the rest comes later.
    """

    live = False

    def __init__(self, opened: Callable[[], Source], loop: bool, realtime: bool) -> None:
        self._opened, self._loop, self._realtime = opened, loop, realtime
        self._source = opened()
        self._closed = Event()
        self.moving = self._source.moving
        if self._source.live:
            self._source.close()
            raise SourceError("a camera or a stream cannot be played", "leave --loop and --realtime out")

    def frames(self) -> Iterator[Frame | Fault | None]:
        """The frames in order; raises what the source raises."""
        began, start = monotonic(), 0.0
        while True:
            end = start
            for item in self._source.frames():
                if not isinstance(item, Frame):
                    yield item
                    continue
                due = end if item.position is None else start + item.position
                end = due + (_PICTURE_SECONDS if item.position is None else _STEP_SECONDS)
                while self._realtime and (left := began + due - monotonic()) > 0:
                    if self._closed.wait(min(left, _POLL_SECONDS)):
                        return
                    yield None
                yield self._as_of_now(item, due)
            start = end
            self._source.close()
            if not self._loop or self._closed.is_set():
                return
            self._source = self._opened()

    def close(self) -> None:
        """Ends the frames, and closes the source."""
        self._closed.set()
        self._source.close()

    def _as_of_now(self, frame: Frame, position: float) -> Frame:
        placed = frame if frame.position is None else replace(frame, position=position)
        return replace(placed, captured=monotonic(), time=datetime.now(UTC)) if self._realtime else placed
