"""A source whose first frames show the empty scene."""

from collections.abc import Callable, Iterator

from fedge.background import Background, learn_background
from fedge.preprocess import Picture
from fedge.sources.frame import Fault, Frame, Source

FRAMES = 30


class Learning:
    """Keeps a source's first frames back to learn the empty scene from them, then gives the rest.

    Args:
        source: whose frames they are.
        learned: is called once with what was learned, before the first frame is given.
    """

    def __init__(self, source: Source, learned: Callable[[Background], None]) -> None:
        self.live, self.moving = source.live, source.moving
        self._source, self._learned = source, learned

    def frames(self) -> Iterator[Frame | Fault | None]:
        """The frames after the empty scene; raises SourceError where there are too few to learn it."""
        items = self._source.frames()
        pictures: list[Picture] = []
        for item in items:
            if isinstance(item, Frame):
                pictures.append(item.picture)
                # Nothing new for the loop, which keeps its outputs informed meanwhile.
                yield None
            else:
                yield item
            if len(pictures) == FRAMES:
                break
        self._learned(learn_background(pictures))
        yield from items

    def close(self) -> None:
        """Closes the source."""
        self._source.close()
