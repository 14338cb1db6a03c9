"""Whether a picture is worth learning from: its sharpness and its exposure, measured at a fixed size."""

from dataclasses import dataclass

import cv2
import numpy as np

from fedge.preprocess import Picture
from fedge.shrink import shrink

SIDE = 320
# Of 256; each of 150 photographs has 5% of its pixels above 106 and 5% below 133.
DARK, BRIGHT = 60, 180
# The brightest of these photographs has a sixth of its pixels there.
BURNT_OUT, MOST_BURNT_OUT = 252, 0.25
# Of 256: with less between its dark and its bright there is nothing in a picture that could be sharp.
FAINT = 12


@dataclass(frozen=True)
class Look:
    """What was measured of a picture in gray, its longer side shrunk to 320 pixels.

    Attributes:
        sharpness: the variance of its Laplacian, after a blur by one pixel that leaves little of a camera's noise.
        darkest, brightest: what 5% of its pixels are at most, and at least; 0..255.
        burnt_out: the share of its pixels that are as good as white.
    """

    sharpness: float
    darkest: float
    brightest: float
    burnt_out: float


@dataclass(frozen=True)
class Refusal:
    """Why a picture is not kept, in a few words, and what mends it."""

    reason: str
    mend: str


TOO_DARK = Refusal("too dark", "give it more light")
TOO_BRIGHT = Refusal("too bright", "give it less light")
OVEREXPOSED = Refusal("burnt out", "turn the light or the camera away")
BLURRED = Refusal("blurred", "hold it still, or focus the camera")
ALIKE = Refusal("like one before", "turn it, move it, or change the scene")


def look_at(picture: Picture) -> Look:
    """Measures a picture: uint8, [h, w] or [h, w, 3] blue-green-red, any size."""
    small = shrink(picture, SIDE)
    gray = small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    darkest, brightest = np.percentile(gray, (5, 95))
    edges = cv2.Laplacian(cv2.GaussianBlur(gray, (0, 0), 1), cv2.CV_32F)
    return Look(float(edges.var()), float(darkest), float(brightest), float((gray >= BURNT_OUT).mean()))


def objection(look: Look, least_sharpness: float) -> Refusal | None:
    """What speaks against a picture by itself; None where nothing does."""
    if look.brightest < DARK:
        return TOO_DARK
    if look.darkest > BRIGHT:
        return TOO_BRIGHT
    if look.burnt_out > MOST_BURNT_OUT:
        return OVEREXPOSED
    if look.sharpness < least_sharpness and look.brightest - look.darkest > FAINT:
        return BLURRED
    return None
