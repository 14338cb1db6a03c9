"""A frame, and what every source of frames is."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Protocol

from fedge.preprocess import Picture


@dataclass(frozen=True)
class Frame:
    """One picture from a source.

    Attributes:
        picture: uint8, [h, w, 3] blue-green-red or [h, w] gray.
        source: a file's path, or the name of the camera or stream.
        captured: when it was read, on the monotonic clock, in seconds; for the frame's age.
        time: when it was read, in UTC; for people and logs.
    """

    picture: Picture
    source: str
    captured: float = field(default_factory=monotonic)
    time: datetime = field(default_factory=lambda: datetime.now(UTC))


class Source(Protocol):
    """A source of frames.

    Attributes:
        live: whether frames come by themselves, so that only the newest is worth an answer.
    """

    live: bool

    def frames(self) -> Iterator[Frame]:
        """The frames in order until the source ends; raises SourceError where it breaks."""

    def close(self) -> None:
        """Lets go of the device or file; may be called at any time, from any thread, more than once."""
