"""One opening of a live source, read by a thread that keeps only the newest frame and can be left behind."""

from collections.abc import Callable
from threading import Condition, Thread

from fedge.errors import SourceError
from fedge.sources.base import Fault, Frame, Source

# Opens a source within so many seconds; raises SourceError.
Opener = Callable[[float], Source]


class Reader:
    """Opens and reads in a thread of its own.

    Args:
        opener: opens the source.
        seconds: how long it may take to open.
        count_dropped: called for each frame that was replaced by a newer one before it was taken.
    """

    def __init__(self, opener: Opener, seconds: float, count_dropped: Callable[[], None]) -> None:
        self._opener, self._seconds, self._count_dropped = opener, seconds, count_dropped
        self._changed = Condition()
        self._newest: Frame | Fault | None = None
        self._source: Source | None = None
        self._abandoned = False
        self._gave_frames = False
        self.ended = False
        self.error: Exception | None = None
        self._thread = Thread(target=self._run, name="fedge-reader", daemon=True)
        self._thread.start()

    def take(self, seconds: float) -> Frame | Fault | None:
        """The newest frame or fault that was not taken yet; None where there is none within `seconds`, or it ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest or self.ended, seconds)
            taken, self._newest = self._newest, None
            return taken

    @property
    def alive(self) -> bool:
        """Whether the thread still runs, perhaps in a read that never ends."""
        return self._thread.is_alive()

    def abandon(self) -> None:
        """Closes the source and leaves the thread to end when it can."""
        with self._changed:
            self._abandoned = True
            source = self._source
        if source:
            source.close()

    def fault(self) -> Fault | None:
        """Why it ended: `absent` before the first frame, `lost` after it, `broken` for a bug; None: it just ended."""
        if self.error is None:
            return None
        if not isinstance(self.error, SourceError):
            return Fault("broken", f"{type(self.error).__name__}: {self.error}")
        return Fault("lost" if self._gave_frames else "absent", self.error.what)

    def _run(self) -> None:
        error: Exception | None = None
        try:
            self._source = self._opener(self._seconds)
            try:
                self._read(self._source)
            finally:
                self._source.close()
        except Exception as raised:  # whatever it is, the thread that takes the frames is told
            error = raised
        with self._changed:
            self.ended, self.error = True, error
            self._changed.notify()

    def _read(self, source: Source) -> None:
        if self._abandoned:
            return
        for item in source.frames():
            if self._abandoned:
                return
            with self._changed:
                # A frame replaces what was not taken yet; a fault replaces nothing.
                if isinstance(item, Frame):
                    if isinstance(self._newest, Frame):
                        self._count_dropped()
                    self._gave_frames = True
                    self._newest = item
                elif self._newest is None:
                    self._newest = item
                self._changed.notify()
