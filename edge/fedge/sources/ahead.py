"""Reading ahead: a file's next frames are decoded while the last one is classified, and none is left out."""

from collections.abc import Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread

from fedge.sources.frame import Fault, Frame, Source

_FRAMES_AHEAD = 4
_POLL_SECONDS = 0.1


class ReadAhead:
    """Wraps a source that is no live one; the frames are the same, in the same order."""

    live = False

    def __init__(self, source: Source) -> None:
        self.moving = source.moving
        self._source = source
        self._queue: Queue[Frame | Fault | Exception | None] = Queue(_FRAMES_AHEAD)
        self._closed = Event()

    def frames(self) -> Iterator[Frame | Fault | None]:
        """The frames in order; raises what the source raised."""
        Thread(target=self._read, name="fedge-ahead", daemon=True).start()
        while not self._closed.is_set():
            try:
                item = self._queue.get(timeout=_POLL_SECONDS)
            except Empty:
                yield None
                continue
            if item is None:
                return
            if isinstance(item, Exception):
                raise item
            yield item

    def close(self) -> None:
        """Closes the source."""
        self._closed.set()
        self._source.close()

    def _read(self) -> None:
        end: Exception | None = None
        try:
            for item in self._source.frames():
                if item is not None and not self._put(item):
                    return
        except Exception as error:  # whatever it is, it is raised again in the thread that asks for frames
            end = error
        self._put(end)

    def _put(self, item: Frame | Fault | Exception | None) -> bool:
        while not self._closed.is_set():
            try:
                self._queue.put(item, timeout=_POLL_SECONDS)
                return True
            except Full:
                continue
        return False
