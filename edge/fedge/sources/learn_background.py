"""A source whose first frames show the empty scene."""

from collections.abc import Callable, Iterator

from fedge.errors import SourceError
from fedge.images.background import SIDE, Background, learn_background
from fedge.images.picture import Picture
from fedge.images.resize import resize_longest
from fedge.sources.base import Fault, Frame, Source
from fedge.system.console import echo

FRAMES = 30


class BackgroundLearner:
    """Keeps a source's first frames back to learn the empty scene from them, then gives the rest; tells on stderr.

    Args:
        source: whose frames they are.
        learned: is called once with what was learned, before the first frame is given.
    """

    def __init__(self, source: Source, learned: Callable[[Background], None]) -> None:
        self.live, self.moving = source.live, source.moving
        self._source, self._learned = source, learned

    def frames(self) -> Iterator[Frame | Fault | None]:
        """The frames after the empty scene; raises SourceError where the source ends before that is learned."""
        items = self._source.frames()
        pictures: list[Picture] = []
        for item in items:
            if isinstance(item, Frame):
                if not pictures:
                    echo(f"learning the empty scene from {FRAMES} frames: keep it empty")
                # Thirty frames of 1920x1080 would take 187 MB.
                pictures.append(resize_longest(item.picture, SIDE))
                # Nothing new for the loop, which keeps its outputs informed meanwhile.
                yield None
            else:
                yield item
            if len(pictures) == FRAMES:
                break
        else:
            raise SourceError(
                f"the source ended after {len(pictures)} of the {FRAMES} frames that the empty scene is learned from",
                "give a longer one, or leave --background out",
            )
        self._learned(learn_background(pictures))
        echo("the empty scene is learned")
        yield from items

    def close(self) -> None:
        """Closes the source."""
        self._source.close()
