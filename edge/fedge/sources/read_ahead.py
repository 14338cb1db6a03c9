"""Reading ahead: a file's next frames are decoded while the last one is classified, and none is left out."""

from collections.abc import Iterator
from queue import Empty, SimpleQueue
from threading import Event, Thread

from fedge.sources.base import Fault, Frame, Source

_FRAMES_AHEAD = 4
_POLL_SECONDS = 0.1


class ReadAhead:
    """Wraps a source that is no live one; the frames are the same, in the same order."""

    live = False

    def __init__(self, source: Source) -> None:
        self.moving = source.moving
        self._source = source
        # Handing a frame over takes as long as a small network; SimpleQueue, written in C, takes least.
        self._items: SimpleQueue[Frame | Fault | Exception | None] = SimpleQueue()
        self._room: SimpleQueue[None] = SimpleQueue()
        for _ in range(_FRAMES_AHEAD):
            self._room.put(None)
        self._closed = Event()

    def frames(self) -> Iterator[Frame | Fault | None]:
        """The frames in order; raises what the source raised."""
        Thread(target=self._read, name="fedge-ahead", daemon=True).start()
        while not self._closed.is_set():
            try:
                item = self._items.get(timeout=_POLL_SECONDS)
            except Empty:
                yield None
                continue
            self._room.put(None)
            if item is None:
                return
            if isinstance(item, Exception):
                raise item
            yield item

    def close(self) -> None:
        """Closes the source."""
        self._closed.set()
        self._source.close()
        # Wakes a reader that waits for room, so that it ends.
        self._room.put(None)

    def _read(self) -> None:
        end: Exception | None = None
        try:
            for item in self._source.frames():
                if item is None:
                    continue
                self._room.get()
                if self._closed.is_set():
                    return
                self._items.put(item)
        except Exception as error:  # whatever it is, it is raised again in the thread that asks for frames
            end = error
        self._items.put(end)
