"""Only the newest frame: a thread reads, and what was not taken in time is dropped."""

from collections.abc import Iterator
from threading import Condition, Thread

from fedge.errors import SourceError
from fedge.sources.frame import Frame, Source

STALL_SECONDS = 10.0


class NewestFrames:
    """Wraps a live source so that its newest frame is always at hand.

    A read that blocks for ever is left behind in its thread; the caller gets a SourceError after `stall_seconds`.
    """

    live = True

    def __init__(self, source: Source, stall_seconds: float = STALL_SECONDS) -> None:
        self._source, self._stall_seconds = source, stall_seconds
        self._changed = Condition()
        self._frame: Frame | None = None
        self._ended = False
        self._error: Exception | None = None
        self.dropped = 0
        Thread(target=self._read, name="fedge-frames", daemon=True).start()

    def frames(self) -> Iterator[Frame]:
        """The newest frame each time one is asked for, none twice; raises what the source raised, or on a stall."""
        while True:
            with self._changed:
                awake = self._changed.wait_for(lambda: self._frame or self._ended, self._stall_seconds)
                frame, self._frame = self._frame, None
                if frame is None and self._error:
                    raise self._error
            if frame is not None:
                yield frame
            elif not awake:
                raise SourceError(f"no frame came for {self._stall_seconds:g} s", "check the camera or the network")
            else:
                return

    def gives_a_frame(self, seconds: float) -> bool:
        """Whether a frame comes within `seconds`; it is kept for `frames`."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame or self._ended, seconds)
            return self._frame is not None

    def close(self) -> None:
        """Closes the source."""
        self._source.close()

    def _read(self) -> None:
        error: Exception | None = None
        try:
            for frame in self._source.frames():
                with self._changed:
                    self.dropped += self._frame is not None
                    self._frame = frame
                    self._changed.notify()
        except Exception as raised:  # whatever it is, it is raised again in the thread that asks for frames
            error = raised
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify()
