"""What is asked of a camera, what of its picture is used, and when it counts as faulty."""

import re
from dataclasses import dataclass

from fedge.errors import SourceError
from fedge.options.defaults import AGE_SECONDS, FROZEN_SECONDS, STALL_SECONDS, Rotation


@dataclass(frozen=True)
class Region:
    """A rectangle of the upright picture: left, top, width, height; in pixels, or where `fractional` in 0..1."""

    x: float
    y: float
    width: float
    height: float
    fractional: bool = False

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
