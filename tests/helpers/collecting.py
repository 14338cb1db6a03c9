"""Running a source until something has come."""

from collections.abc import Callable

from fedge.sources.base import Fault, Frame, Source


class Seen:
    """What came from a source so far."""

    def __init__(self) -> None:
        self.items: list[Frame | Fault] = []

    @property
    def frames(self) -> list[Frame]:
        return [item for item in self.items if isinstance(item, Frame)]

    @property
    def kinds(self) -> list[str]:
        return [item.kind for item in self.items if isinstance(item, Fault)]

    def frames_after(self, kind: str) -> int:
        """How many frames came after the first fault of this kind; 0 without one."""
        if kind not in self.kinds:
            return 0
        first = next(i for i, item in enumerate(self.items) if isinstance(item, Fault) and item.kind == kind)
        return sum(isinstance(item, Frame) for item in self.items[first:])


def collect(source: Source, until: Callable[[Seen], object]) -> Seen:
    """All that comes, until `until` says enough or the source ends; closes it."""
    seen = Seen()
    try:
        for item in source.frames():
            if item is not None:
                seen.items.append(item)
            if until(seen):
                break
    finally:
        source.close()
    return seen
