"""A camera without hardware, for tests and demonstrations: it plays a script of pictures and faults."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from time import monotonic, sleep

from fedge.errors import SourceError
from fedge.images.picture import Picture
from fedge.sources.base import Fault, Frame, Source


@dataclass(frozen=True)
class Stall:
    """A read that blocks for so many seconds; closing the camera does not end it."""

    seconds: float


@dataclass(frozen=True)
class Unplug:
    """The camera is pulled out: reading fails, and so do the next `openings` attempts to open it."""

    openings: int = 0


@dataclass(frozen=True)
class Freeze:
    """The same picture comes again and again, for so many seconds."""

    picture: Picture
    seconds: float


@dataclass(frozen=True)
class Late:
    """A picture that was taken so many seconds before it comes."""

    picture: Picture
    seconds: float


@dataclass(frozen=True)
class Corrupt:
    """A frame that cannot be decoded."""


Step = Picture | Stall | Unplug | Freeze | Late | Corrupt


class InMemoryCamera:
    """Plays a script as a live camera would; opened again, it goes on where it was.

    Args:
        script: pictures, uint8, each [h, w, 3] blue-green-red or [h, w], and faults between them.
        interval: seconds between two frames.
    """

    live = True
    moving = True

    def __init__(self, script: Sequence[Step], interval: float = 0.0) -> None:
        self._script, self._interval = list(script), interval
        self._lock = Lock()
        self._position = self._opening = self._absences = 0
        self.closed = False

    def open(self, seconds: float = 0.0) -> Source:
        """Opens the camera anew, within `seconds`; what blocks in an older opening is left behind."""
        with self._lock:
            if self._absences:
                self._absences -= 1
                raise SourceError("the camera in memory is not there", "wait until its script goes on")
            self._opening += 1
            self.closed = False
            return _Opening(self, self._opening)

    @property
    def openings(self) -> int:
        """How often it was opened."""
        return self._opening

    def frames(self) -> Iterator[Frame | Fault]:
        """Plays the rest of the script, or until the camera is closed; raises SourceError at an Unplug."""
        return self.play(self._opening)

    def play(self, opening: int) -> Iterator[Frame | Fault]:
        """The same, until a later opening than this one takes over."""
        while (step := self._next(opening)) is not None:
            match step:
                case Stall():
                    sleep(step.seconds)
                case Unplug():
                    self._absences = step.openings
                    raise SourceError("the camera in memory was unplugged", "wait until its script goes on")
                case Freeze():
                    end = monotonic() + step.seconds
                    while monotonic() < end and opening == self._opening:
                        yield Frame(step.picture, "memory")
                        sleep(max(self._interval, 0.001))
                case Late():
                    yield Frame(step.picture, "memory", monotonic() - step.seconds)
                case Corrupt():
                    yield Fault("corrupt", "a frame in memory cannot be decoded")
                case _:
                    yield Frame(step, "memory")
            sleep(self._interval)

    def close(self, opening: int | None = None) -> None:
        """Ends the frames; those of a later opening than this one go on."""
        with self._lock:
            self.closed = self.closed or opening in (None, self._opening)

    def _next(self, opening: int) -> Step | None:
        with self._lock:
            if self.closed or opening != self._opening or self._position == len(self._script):
                return None
            self._position += 1
            return self._script[self._position - 1]


class _Opening:
    live = True
    moving = True

    def __init__(self, camera: InMemoryCamera, number: int) -> None:
        self._camera, self._number = camera, number

    def frames(self) -> Iterator[Frame | Fault]:
        return self._camera.play(self._number)

    def close(self) -> None:
        self._camera.close(self._number)
