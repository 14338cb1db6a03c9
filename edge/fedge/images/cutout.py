"""Finds the one object in a picture and says how sure it is of it.

Pixels are sorted into object and background by their colours, in a few rounds: the colours of the frame start the
background's histogram, those of the middle the object's; each round a guided filter lets the answer follow the
picture's edges. Everything is computed in float64: two processors may round differently by some 1e-16, which all rounds
together amplify a few thousand times, and that moves no pixel from one side to the other.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fedge.images.background import Background, evidence
from fedge.images.color import to_lab
from fedge.images.guided_filter import GuidedFilter
from fedge.images.resize import resize_longest

Pixels = NDArray[np.uint8]
Map = NDArray[np.float64]

# A pixel of a picture cut out on black or white; JPEG leaves a few steps of noise there.
STUDIO_NOISE = 4
# Of the outermost pixels of Fashion-MNIST's fullest picture 25% are black, and of all but one picture in ten thousand
# at least 30%.
STUDIO_FRAME = 0.22
CHROMA = (64, 191)
HISTOGRAM_FLOOR = 1e-5
# Histograms are smoothed by a Gaussian of sigma 1 bin, cut off to a window of so many bins.
BELL = 7


@dataclass(frozen=True)
class CutOut:
    """How the object is found; the lengths are in pixels of the working picture.

    Attributes:
        side: the longer side that the picture is shrunk to.
        rounds: how often colours and mask are estimated from each other.
        lightness_step, chroma_step: the width of a histogram's bins, of 256.
        frame: the share of each side that is taken for background at first.
        frame_weight, middle_weight: log odds against an object in the frame, and for one in the middle.
        most_evidence: the log odds that a colour can give at most.
        radius, smoothness: of the guided filter; the smoothness is a variance of colours in 0..1.
        sharpness: the factor on the log odds from round to round.
        least_part: the smallest part that is kept, as a share of the largest part.
        largest_hole: the largest hole that is filled, as a share of the picture.
        least_quality: a mask of less quality is no object.
    """

    side: int = 96
    rounds: int = 5
    lightness_step: int = 12
    chroma_step: int = 8
    frame: float = 0.05
    frame_weight: float = 3.0
    middle_weight: float = 0.5
    most_evidence: float = 3.0
    radius: int = 3
    smoothness: float = 4e-3
    sharpness: float = 2.0
    least_part: float = 0.15
    largest_hole: float = 0.01
    least_quality: float = 0.15

    def __post_init__(self) -> None:
        for name, low, high in (
            ("side", 32, 512),
            ("rounds", 1, 20),
            ("lightness_step", 4, 64),
            ("chroma_step", 4, 64),
            ("frame", 0.01, 0.3),
            ("frame_weight", 0, 20),
            ("middle_weight", 0, 20),
            ("most_evidence", 0.1, 20),
            ("radius", 1, 16),
            ("smoothness", 1e-6, 1),
            ("sharpness", 0.1, 10),
            ("least_part", 0, 1),
            ("largest_hole", 0, 1),
            ("least_quality", 0, 1),
        ):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} must be from {low} to {high}, not {getattr(self, name)}")


@dataclass(frozen=True)
class Found:
    """The object that was found.

    Attributes:
        mask: uint8, 0 or 255, of the working picture's size; all 0 where nothing was found.
        quality: 0..1, near 0 for an empty scene, a mask that touches everything, and a tiny or fragmented one.
        studio: `black` or `white` where the picture was cut out on that already, else None.
    """

    mask: Pixels
    quality: float
    studio: str | None = None

    def box(self, height: int, width: int) -> tuple[slice, slice] | None:
        """Rows and columns of the object in a picture of `height` and `width`; None where nothing was found."""
        rows, columns = np.flatnonzero(self.mask.any(axis=1)), np.flatnonzero(self.mask.any(axis=0))
        if not len(rows):
            return None
        return _stretched(rows, self.mask.shape[0], height), _stretched(columns, self.mask.shape[1], width)


def find(parameters: CutOut, picture: Pixels, background: Background | None = None) -> Found:
    """Finds the object in a picture: uint8, [h, w] or [h, w, 3] blue-green-red, any size.

    With a `background`, the empty scene before a still camera, what differs from it is more likely the object.
    """
    studio = None if background is not None else _studio(picture)
    if studio is not None:
        return studio
    if picture.ndim == 2:
        picture = np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), dtype=np.uint8)
    lab = to_lab(resize_longest(picture, parameters.side))
    height, width = lab.shape[:2]
    if min(height, width) < 4 * parameters.radius:
        return Found(np.zeros((height, width), dtype=np.uint8), 0.0)
    odds = _middle_and_frame(parameters, height, width)
    if background is not None:
        odds = odds + parameters.most_evidence * evidence(background, lab)
    bins = _bins(parameters, lab).ravel()
    everything = _histogram(parameters, bins, None)
    smooth = GuidedFilter(lab, parameters.radius, parameters.smoothness)
    found = odds * parameters.sharpness * 2
    floor = HISTOGRAM_FLOOR * height * width
    for _ in range(parameters.rounds):
        inside = _histogram(parameters, bins, _share(found).ravel())
        outside = np.maximum(everything - inside, 0)
        # Counts, not shares: divided by a small object's few pixels, its histogram would make its surroundings likely
        # too.
        colors = np.log((inside + floor) / (outside + floor))
        colors = colors.clip(-parameters.most_evidence, parameters.most_evidence)
        found = parameters.sharpness * smooth(colors.ravel()[bins].reshape(height, width) + odds)
    mask = _whole(parameters, (found > 0).astype(np.uint8))
    overlap = float(np.sqrt(inside / (inside.sum() + floor) * outside / (outside.sum() + floor)).sum())
    return Found(mask, _quality(parameters, mask, found, overlap))


def _studio(picture: Pixels) -> Found | None:
    """The object of a picture that is cut out on pure black or white, all of it that is not of that colour."""
    frame = np.concatenate([picture[0], picture[-1], picture[1:-1, 0], picture[1:-1, -1]])
    for name, low, high in (("black", 0, STUDIO_NOISE), ("white", 255 - STUDIO_NOISE, 255)):
        # The frame is checked first: it is about 1% of the pixels.
        if _pure(frame.reshape(1, len(frame), -1), low, high).mean() >= STUDIO_FRAME:
            pure = _pure(picture.reshape(*picture.shape[:2], -1), low, high)
            return Found(np.where(pure, 0, 255).astype(np.uint8), float(not pure.all()), name)
    return None


def _pure(picture: Pixels, low: int, high: int) -> NDArray[np.bool_]:
    return np.asarray(((picture >= low) & (picture <= high)).all(axis=2))


def _middle_and_frame(parameters: CutOut, height: int, width: int) -> Map:
    down = np.abs(np.linspace(-1, 1, height))[:, np.newaxis]
    across = np.abs(np.linspace(-1, 1, width))
    odds = parameters.middle_weight * (1 - 1.6 * np.maximum(down, across) ** 2)
    rows, columns = max(1, round(height * parameters.frame)), max(1, round(width * parameters.frame))
    inner = np.zeros((height, width), dtype=bool)
    inner[rows:-rows, columns:-columns] = True
    return np.where(inner, odds, odds - parameters.frame_weight)


def _bins(parameters: CutOut, lab: Pixels) -> NDArray[np.int64]:
    lightness = lab[:, :, 0].astype(np.int64) // parameters.lightness_step
    chroma = (lab[:, :, 1:].clip(*CHROMA).astype(np.int64) - CHROMA[0]) // parameters.chroma_step
    n = _chroma_bins(parameters)
    return (lightness * n + chroma[:, :, 0]) * n + chroma[:, :, 1]


def _histogram(parameters: CutOut, bins: NDArray[np.int64], weights: Map | None) -> Map:
    n, lightness = _chroma_bins(parameters), 255 // parameters.lightness_step + 1
    counts = np.bincount(bins, weights, minlength=lightness * n * n).astype(np.float64).reshape(lightness, n * n)
    # OpenCV's filter, not a matrix product, which would start a thread per core for very little work.
    counts = _blur(counts, down=True).reshape(lightness * n, n)
    cube = _blur(counts, down=False).reshape(lightness, n, n).transpose(1, 0, 2).reshape(n, lightness * n)
    return _blur(np.ascontiguousarray(cube), down=True).reshape(n, lightness, n).transpose(1, 0, 2)


def _blur(counts: Map, down: bool) -> Map:
    window = (1, BELL) if down else (BELL, 1)
    return np.asarray(cv2.GaussianBlur(counts, window, 1.0, borderType=cv2.BORDER_REFLECT), dtype=np.float64)


def _chroma_bins(parameters: CutOut) -> int:
    return (CHROMA[1] - CHROMA[0]) // parameters.chroma_step + 1


def _share(odds: Map) -> Map:
    return np.asarray(1 / (1 + np.exp(-odds)))


def _whole(parameters: CutOut, mask: Pixels) -> Pixels:
    """The mask without its smaller parts and holes, 0 or 255."""
    count, parts, statistics, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return mask
    areas = statistics[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    mask = (areas >= max(1, parameters.least_part * areas.max()))[parts].astype(np.uint8)
    _, holes, statistics, _ = cv2.connectedComponentsWithStats(1 - mask, connectivity=4)
    small = statistics[:, cv2.CC_STAT_AREA] < parameters.largest_hole * mask.size
    return np.where(small[holes] | (mask > 0), 255, 0).astype(np.uint8)


def _quality(parameters: CutOut, mask: Pixels, found: Map, overlap: float) -> float:
    """How much the colours inside and outside differ, less what speaks against an object."""
    area = float((mask > 0).mean())
    if area == 0:
        return 0.0
    frame = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    kept = area / max(area, float((found > 0).mean()))
    sizes = min(1.0, area / 0.03) * min(1.0, (1 - area) / 0.15)
    return float(np.clip((1 - overlap) * kept * sizes * (1 - (frame > 0).mean()), 0, 1))


def _stretched(indices: NDArray[np.intp], size: int, full: int) -> slice:
    first, last = int(indices[0]), int(indices[-1]) + 1
    return slice(first * full // size, max(first * full // size + 1, -(-last * full // size)))
