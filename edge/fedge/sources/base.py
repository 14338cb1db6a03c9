"""A frame, a fault, and what every source of frames is."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Literal, Protocol

from fedge.images.picture import Picture
from fedge.system.timing import stamp

# How long opening a stream may take.
OPEN_SECONDS = 10.0


@dataclass(frozen=True)
class Frame:
    """One picture from a source.

    Attributes:
        picture: uint8, [h, w, 3] blue-green-red or [h, w] gray; turned and cut as the user asked.
        source: a file's path, or the name of the camera or stream.
        captured: when it was read, on the monotonic clock, in seconds; for the frame's age.
        time: when it was read, in UTC; for people and logs.
        position: where in a video file it is, in seconds; None for everything else.
    """

    picture: Picture
    source: str
    captured: float = field(default_factory=monotonic)
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    position: float | None = None

    @property
    def moment(self) -> float:
        """When the frame was taken, in seconds on its source's own clock, which no wall clock moves."""
        return self.captured if self.position is None else self.position

    @property
    def stamp(self) -> str:
        """When it was read, in UTC, as ISO 8601 to the millisecond."""
        return stamp(self.time)


@dataclass(frozen=True)
class Fault:
    """Something went wrong in a source that goes on nevertheless.

    Attributes:
        kind: one word to count it under.
        message: what is wrong, for people.
    """

    kind: str
    message: str


class Source(Protocol):
    """A source of frames.

    Attributes:
        live: whether frames come by themselves, so that only the newest is worth an answer.
        moving: whether a frame shows what the one before showed, a moment later; not so in a folder of pictures.
    """

    live: bool
    moving: bool

    def frames(self) -> Iterator[Frame | Fault | None]:
        """The frames in order until the source ends; raises SourceError where it breaks.

        Between them: faults, and None where there is nothing new for a while, so that the caller can do other things.
        """

    def close(self) -> None:
        """Lets go of the device or file; may be called at any time, from any thread, more than once."""


class Monitor(Protocol):
    """Who is told how a live source does; each method may be called from any thread."""

    def count_dropped(self, count: int = 1) -> None:
        """`count` more frames were not given: a newer one was there, or they were too old."""

    def count_recovery(self) -> None:
        """Frames came again after a fault."""

    def set_state(self, state: Literal["waiting"]) -> None:
        """The source waits to be opened again."""

    def set_capture(self, text: str) -> None:
        """What the camera gives where that is not what was asked of it; empty where it is."""


class Unmonitored:
    """A monitor that takes no notice."""

    def count_dropped(self, count: int = 1) -> None:
        """Takes no notice."""

    def count_recovery(self) -> None:
        """Takes no notice."""

    def set_state(self, state: Literal["waiting"]) -> None:
        """Takes no notice."""

    def set_capture(self, text: str) -> None:
        """Takes no notice."""
