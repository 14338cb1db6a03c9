"""Whether a picture is worth learning from: its sharpness and its exposure, measured at a fixed size."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fedge.images.picture import Picture
from fedge.images.resize import resize_longest

SIDE = 320
# Of 256; each of 150 photographs of garments has 5% of its pixels above 106 and 5% below 133.
DARK, BRIGHT = 60, 180
# The brightest of these photographs has a sixth of its pixels there.
BURNT_OUT, MOST_BURNT_OUT = 252, 0.25
# Sharpness is asked of the tiles with most edges, six of 64: a thing on an empty table has no more.
TILES, WITH_EDGES = 8, 6
# In squared steps of 256 a pixel: fainter edges than these are noise, and nothing there could be sharp.
FAINT = 1.0


@dataclass(frozen=True)
class PictureQuality:
    """What was measured of a picture in gray, its longer side shrunk to 320 pixels.

    Attributes:
        sharpness: the energy of its Laplacian over that of its gradient where it has most edges, which depends little
            on what it shows; a third and more where it is sharp. None where it has no edges.
        darkest, brightest: what 5% of its pixels are at most, and at least; 0..255.
        burnt_out: the share of its pixels that are as good as white.
    """

    sharpness: float | None
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
NEAR_DUPLICATE = Refusal("like one before", "turn it, move it, or change the scene")


def measure_quality(picture: Picture) -> PictureQuality:
    """Measures a picture: uint8, [h, w] or [h, w, 3] blue-green-red, any size."""
    small = resize_longest(picture, SIDE)
    gray = small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    darkest, brightest = np.percentile(gray, (5, 95))
    return PictureQuality(
        _sharpness(np.asarray(gray, dtype=np.uint8)),
        float(darkest),
        float(brightest),
        float((gray >= BURNT_OUT).mean()),
    )


def find_refusal(quality: PictureQuality, least_sharpness: float) -> Refusal | None:
    """What speaks against a picture by itself; None where nothing does."""
    if quality.brightest < DARK:
        return TOO_DARK
    if quality.darkest > BRIGHT:
        return TOO_BRIGHT
    if quality.burnt_out > MOST_BURNT_OUT:
        return OVEREXPOSED
    if quality.sharpness is not None and quality.sharpness < least_sharpness:
        return BLURRED
    return None


def _sharpness(gray: Picture) -> float | None:
    # One pixel of blur leaves little of a camera's noise.
    smooth = cv2.GaussianBlur(gray, (0, 0), 1)
    # Sobel's weights add up to eight.
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, x, 1 - x, scale=1 / 8) for x in (1, 0))
    gradient = _tiles(across * across + down * down)
    most = np.argsort(gradient)[-WITH_EDGES:]
    if gradient[most].mean() < FAINT:
        return None
    laplacian = cv2.Laplacian(smooth, cv2.CV_32F)
    return float(_tiles(laplacian * laplacian)[most].sum() / gradient[most].sum())


def _tiles(energy: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(energy, (TILES, TILES), interpolation=cv2.INTER_AREA).ravel(), dtype=np.float32)
