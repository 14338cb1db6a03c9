"""What is asked of a camera, what of its picture is used, and when it counts as faulty."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fedge.errors import SourceError
from fedge.options.defaults import AGE_SECONDS, FROZEN_SECONDS, STALL_SECONDS, Rotation


@dataclass(frozen=True)
class Region:
    """A rectangle of the upright picture: left, top, width, height; in pixels, or where `fractional` in 0..1.

    `name` is empty where it has none: letters, digits, - and _.
    """

    x: float
    y: float
    width: float
    height: float
    fractional: bool = False
    name: str = ""

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom in a picture of this size; raises SourceError where it is not inside."""
        scale_x, scale_y = (width, height) if self.fractional else (1, 1)
        left, top = round(self.x * scale_x), round(self.y * scale_y)
        right, bottom = round((self.x + self.width) * scale_x), round((self.y + self.height) * scale_y)
        if not (0 <= left < right <= width and 0 <= top < bottom <= height):
            raise SourceError(
                f"the region {self} is not inside the {width}x{height} picture", "give one that is with --region"
            )
        return left, top, right, bottom

    def __str__(self) -> str:
        return f"{self.name}={self._numbers}" if self.name else self._numbers

    @property
    def _numbers(self) -> str:
        return f"{self.x:g},{self.y:g},{self.width:g},{self.height:g}"


def parse_region(text: str) -> Region:
    """A region from `X,Y,W,H`: fractions of the picture where no number is above 1, else pixels; raises SourceError."""
    mend = "give X,Y,WIDTH,HEIGHT in pixels, or each from 0 to 1"
    if not re.fullmatch(r"(\d+(\.\d*)?|\.\d+)(,(\d+(\.\d*)?|\.\d+)){3}", text):
        raise SourceError(f"{text!r} is no region", mend)
    x, y, width, height = map(float, text.split(","))
    fractional = max(x, y, width, height) <= 1
    if not (width and height) or (fractional and max(x + width, y + height) > 1 + 1e-9):
        raise SourceError(f"the region {text} is empty, or reaches out of the picture", mend)
    return Region(x, y, width, height, fractional)


def is_name(text: str) -> bool:
    """Whether a region or a camera may be called so: by letters, digits, - and _, one at least."""
    return re.fullmatch(r"[A-Za-z0-9_-]+", text) is not None


def parse_perhaps_named_region(text: str) -> Region:
    """A region from `X,Y,W,H` or `NAME=X,Y,W,H`; raises SourceError."""
    name, equals, rest = text.rpartition("=")
    if equals and not is_name(name):
        raise SourceError(
            f"{name!r} is no name for a region", "give letters, digits, - and _, as in --region gate=0,0,0.5,1"
        )
    return replace(parse_region(rest), name=name)


def require_names_apart(regions: Sequence[Region]) -> None:
    """Raises SourceError for several regions unless each has a name of its own."""
    names = [region.name for region in regions]
    if len(names) > 1 and "" in names:
        raise SourceError("several regions need a name each", "give --region NAME=X,Y,WIDTH,HEIGHT for each")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SourceError(f"two regions are called {twice}", "give each a name of its own with --region")


def parse_device(text: str) -> str:
    """A camera's name if it can be one: an index, a /dev path, `csi` or a URL; raises SourceError."""
    if text != "csi" and not re.fullmatch(r"\d+|/.*|[a-zA-Z][\w+.-]*://.+", text):
        raise SourceError(f"{text!r} is no camera", "give an index, a /dev path, csi or a URL")
    return text


@dataclass(frozen=True)
class CameraOptions:
    """What is asked of a camera, and what of its picture is used.

    Attributes:
        width, height: of the picture in pixels; None: the camera's own.
        fps: frames a second; None: the camera's own.
        rotate: degrees, clockwise.
        region: what of the turned picture counts; None: all of it.
    """

    width: int | None = None
    height: int | None = None
    fps: float | None = None
    rotate: Rotation = 0
    region: Region | None = None


AS_IT_COMES = CameraOptions()


@dataclass(frozen=True)
class FaultLimits:
    """When a live source counts as faulty.

    Attributes:
        stall_after: seconds without a frame.
        frozen_after: seconds of the same picture, byte for byte; 0: never.
        max_age: seconds after which a frame is too old to be answered.
        wait: whether a source that is absent at the start is waited for.
    """

    stall_after: float = STALL_SECONDS
    frozen_after: float = FROZEN_SECONDS
    max_age: float = AGE_SECONDS
    wait: bool = False
