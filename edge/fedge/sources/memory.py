"""A camera without hardware, for tests and demonstrations."""

from collections.abc import Iterator, Sequence
from time import sleep

from fedge.preprocess import Picture
from fedge.sources.frame import Frame


class InMemoryCamera:
    """Gives the pictures handed to it, as a live camera would.

    Args:
        pictures: uint8, each [h, w, 3] blue-green-red or [h, w].
        interval: seconds between two frames.
    """

    live = True

    def __init__(self, pictures: Sequence[Picture], interval: float = 0.0) -> None:
        self._pictures, self._interval = pictures, interval
        self.closed = False

    def frames(self) -> Iterator[Frame]:
        """Each picture once, or until the camera is closed."""
        for picture in self._pictures:
            if self.closed:
                return
            yield Frame(picture, "memory")
            sleep(self._interval)

    def close(self) -> None:
        """Ends the frames."""
        self.closed = True
