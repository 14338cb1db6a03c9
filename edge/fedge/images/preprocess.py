"""From a picture to the model's input: the one implementation, for training, calibration, evaluation and the device.

A picture is uint8, [height, width] gray or [height, width, 3] in OpenCV's blue-green-red order, any size.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from fedge.images import cutout
from fedge.images.background import Background
from fedge.images.cutout import CutOut, Found
from fedge.images.picture import Picture
from fedge.images.resize import halve

Fit = Literal["pad", "crop", "stretch"]
Subject = Literal["whole", "cut-out"]

MAX_SIDE = 512


@dataclass(frozen=True)
class Recipe:
    """Every parameter of the way from a picture to the model's input; it travels in the model file.

    Attributes:
        height, width: the input's size in pixels.
        color: `gray` (one channel) or `rgb` (three, red first).
        fit: `pad` scales the picture to fit inside and fills the rest with its border's colour; `crop` scales it to
            cover and cuts the middle out; `stretch` scales each side on its own.
        polarity: `keep`, or `dark-background`: a picture whose corners are bright is negated, so that the object is
            bright on black as in Fashion-MNIST. Where the object is cut out, it is always the object that is negated,
            unless the picture was already cut out on black.
        cut_out: how the object is found, trimmed and put on black; None leaves the picture whole.
    """

    height: int
    width: int
    color: Literal["gray", "rgb"] = "gray"
    fit: Fit = "pad"
    polarity: Literal["keep", "dark-background"] = "keep"
    cut_out: CutOut | None = None

    def __post_init__(self) -> None:
        for name, side in (("height", self.height), ("width", self.width)):
            if not 1 <= side <= MAX_SIDE:
                raise ValueError(f"{name} must be from 1 to {MAX_SIDE}, not {side}")

    @property
    def subject(self) -> Subject:
        """What of a picture the network is shown."""
        return "whole" if self.cut_out is None else "cut-out"

    @property
    def channels(self) -> int:
        """How many channels the input has."""
        return 1 if self.color == "gray" else 3

    @property
    def shape(self) -> tuple[int, int, int]:
        """The input's shape: height, width, channels."""
        return self.height, self.width, self.channels


@dataclass(frozen=True)
class Prepared:
    """What the network is shown of a picture.

    Attributes:
        image: uint8 in 0..255, shape [height, width, channels] of the recipe; red-green-blue where there are three.
        quality: how sure the cut-out is, in 0..1, that there is one object, and which pixels are its; None where
            nothing is cut out.
        empty: whether the quality is below the recipe's least: no object was found.
    """

    image: Picture
    quality: float | None = None
    empty: bool = False


def apply(recipe: Recipe, picture: Picture) -> Picture:
    """Turns one picture into the model's input.

    Args:
        recipe: what to do.
        picture: uint8, [h, w], [h, w, 1] or [h, w, 3] blue-green-red.

    Returns:
        uint8 in 0..255, shape [recipe.height, recipe.width, recipe.channels]; red-green-blue where there are three.
        A picture that already has that size and colour, and is cut out if that is asked for, comes back unchanged, but
        for its polarity.
    """
    return prepare(recipe, picture).image


def prepare(recipe: Recipe, picture: Picture, background: Background | None = None) -> Prepared:
    """Turns one picture into the model's input, and says how sure the cut-out is.

    Args:
        recipe: what to do.
        picture: uint8, [h, w], [h, w, 1] or [h, w, 3] blue-green-red.
        background: the empty scene before a still camera, which helps the cut-out.
    """
    if picture.ndim == 3 and picture.shape[2] == 1:
        picture = picture[:, :, 0]
    if recipe.cut_out is not None:
        picture, subject = find_object(recipe, picture, background)
        empty = subject.quality < recipe.cut_out.least_quality
        return Prepared(_cut(recipe, picture, subject).reshape(recipe.shape), subject.quality, empty)
    # Resizing by area costs more per channel than converting the colour does, so it is done on the fewer channels.
    result = _fit(recipe, _color(recipe, picture)) if recipe.color == "gray" else _color(recipe, _fit(recipe, picture))
    if recipe.polarity == "dark-background" and _corners_are_bright(result):
        result = 255 - result
    return Prepared(np.ascontiguousarray(result).reshape(recipe.shape))


def find_object(recipe: Recipe, picture: Picture, background: Background | None = None) -> tuple[Picture, Found]:
    """The picture in the size that the cut-out works with, and the object found in it; for recipes that cut out.

    Args and the picture's dtype and colours as in `prepare`.
    """
    assert recipe.cut_out is not None
    picture = halve(picture, max(recipe.cut_out.side, recipe.height, recipe.width))
    return picture, cutout.find(recipe.cut_out, picture, background)


def seen(recipe: Recipe, height: int, width: int) -> tuple[int, int, int, int]:
    """The part of a picture of this height and width that reaches the network: top, left, height, width, in pixels."""
    if recipe.fit != "crop":
        return 0, 0, height, width
    scale = max(recipe.height / height, recipe.width / width)
    keep_height = min(height, round(recipe.height / scale))
    keep_width = min(width, round(recipe.width / scale))
    return (height - keep_height) // 2, (width - keep_width) // 2, keep_height, keep_width


def _cut(recipe: Recipe, picture: Picture, subject: Found) -> Picture:
    """The object on black, trimmed and fitted into the input."""
    box = subject.box(*picture.shape[:2])
    if box is None:
        return np.zeros(recipe.shape, dtype=np.uint8)
    if subject.studio is not None and picture.shape[:2] == recipe.shape[:2]:
        box = np.s_[:, :]
    inside = _color(recipe, picture[box])
    height, width = inside.shape[:2]
    if recipe.polarity == "dark-background" and subject.studio != "black":
        inside = 255 - inside
    if subject.studio is None:
        inside = _fit(recipe, inside, black=True)
        mask = _fit(recipe, _resize(subject.mask[subject.box(*subject.mask.shape)], height, width), black=True)
        weights = mask if inside.ndim == 2 else mask[:, :, np.newaxis]
        return np.asarray((inside.astype(np.uint16) * weights + 127) // 255, dtype=np.uint8)
    return _fit(recipe, inside, black=True)


def _fit(recipe: Recipe, picture: Picture, black: bool = False) -> Picture:
    height, width = picture.shape[:2]
    if (height, width) == (recipe.height, recipe.width):
        return picture
    if recipe.fit == "stretch":
        return _resize(picture, recipe.height, recipe.width)
    if recipe.fit == "crop":
        top, left, keep_height, keep_width = seen(recipe, height, width)
        return _resize(picture[top : top + keep_height, left : left + keep_width], recipe.height, recipe.width)
    scale = min(recipe.height / height, recipe.width / width)
    inner_height = min(recipe.height, max(1, round(height * scale)))
    inner_width = min(recipe.width, max(1, round(width * scale)))
    inner = _resize(picture, inner_height, inner_width)
    top, left = (recipe.height - inner_height) // 2, (recipe.width - inner_width) // 2
    bottom, right = recipe.height - inner_height - top, recipe.width - inner_width - left
    around = (0.0,) * 3 if black else _border_color(inner)
    return np.asarray(
        cv2.copyMakeBorder(inner, top, bottom, left, right, cv2.BORDER_CONSTANT, value=around), dtype=np.uint8
    )


def _resize(picture: Picture, height: int, width: int) -> Picture:
    # Area averaging does not alias when shrinking; it has no meaning when enlarging.
    shrinks = height <= picture.shape[0] and width <= picture.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=method), dtype=np.uint8)


def _color(recipe: Recipe, picture: Picture) -> Picture:
    if recipe.color == "gray":
        return picture if picture.ndim == 2 else np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    code = cv2.COLOR_GRAY2RGB if picture.ndim == 2 else cv2.COLOR_BGR2RGB
    return np.asarray(cv2.cvtColor(picture, code), dtype=np.uint8)


def _border_color(picture: Picture) -> tuple[float, ...]:
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    return tuple(float(v) for v in np.atleast_1d(np.median(border, axis=0)))


def _corners_are_bright(picture: Picture) -> bool:
    # A garment may touch each edge of its picture, but seldom fills the corners.
    k = max(1, min(picture.shape[:2]) // 9)
    corners = np.concatenate(
        [c.ravel() for c in (picture[:k, :k], picture[:k, -k:], picture[-k:, :k], picture[-k:, -k:])]
    )
    return bool(_median(corners) > 127)


def _median(values: Picture) -> NDArray[np.float64]:
    """The median over the first axis; for so few values sorting is four times faster than np.median."""
    ordered = np.sort(values, axis=0)
    middle = len(ordered) // 2
    return np.asarray((ordered[(len(ordered) - 1) // 2].astype(np.float64) + ordered[middle]) / 2)
