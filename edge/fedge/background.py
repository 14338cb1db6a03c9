"""The empty scene before a still camera: learned from a few frames, kept in a file, compared with each frame."""

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fedge.errors import SourceError
from fedge.files import write_bytes
from fedge.lab import to_lab
from fedge.shrink import shrink

SIDE = 96
MOST_FRAMES = 60
FEWEST_FRAMES = 3
MOST_BYTES = 1 << 20
# A camera's noise after shrinking, in steps of 256; no pixel is trusted to be stiller than this.
LEAST_SPREAD = 2.0
# Differences below this many spreads are the scene's own, above it the object's.
SPREADS = 4.0


@dataclass(frozen=True)
class Background:
    """An empty scene.

    Attributes:
        lab: float64, [h, w, 3], each pixel's median colour, in 8-bit Lab, 0..255.
        spread: float64, [h, w], how far its frames were from that, in the same steps.
    """

    lab: NDArray[np.float64]
    spread: NDArray[np.float64]


def learn_background(frames: Iterable[NDArray[np.uint8]]) -> Background:
    """Learns the empty scene from frames, uint8 [h, w, 3] blue-green-red, all of one size; takes at most 60 of them.

    Raises SourceError where there are fewer than three, or they differ in size.
    """
    small = []
    for _, frame in zip(range(MOST_FRAMES), frames, strict=False):
        small.append(to_lab(shrink(frame, SIDE)).astype(np.float64))
    if len(small) < FEWEST_FRAMES:
        raise SourceError(f"only {len(small)} frames show the empty scene", f"give {FEWEST_FRAMES} or more")
    if len({frame.shape for frame in small}) > 1:
        raise SourceError("the frames of the empty scene differ in size", "learn it from one camera")
    stack = np.stack(small)
    median = np.median(stack, axis=0)
    return Background(median, np.abs(stack - median).max(axis=3).mean(axis=0))


def evidence(background: Background, lab: NDArray[np.uint8]) -> NDArray[np.float64]:
    """How much each pixel of a working picture speaks for an object: float64, [h, w], from -1 (as empty) to 1.

    Args:
        background: the empty scene; it is scaled where its size differs.
        lab: uint8, [h, w, 3], in 8-bit Lab.
    """
    height, width = lab.shape[:2]
    empty, spread = background.lab, background.spread
    if empty.shape[:2] != (height, width):
        empty = np.asarray(cv2.resize(empty, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float64)
        spread = np.asarray(cv2.resize(spread, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float64)
    difference = lab - empty
    # A camera that sets its exposure anew moves all pixels alike; most of the frame still shows the empty scene.
    frame = np.concatenate([difference[0], difference[-1], difference[:, 0], difference[:, -1]])
    distance = np.sqrt(np.square(difference - np.median(frame, axis=0)).sum(axis=2))
    return np.asarray(np.clip(distance / (SPREADS * np.maximum(spread, LEAST_SPREAD)) - 1, -1, 1))


def save_background(background: Background, path: Path) -> None:
    """Writes an empty scene to `path`, whole or not at all."""
    buffer = io.BytesIO()
    np.savez(buffer, lab=background.lab.astype(np.float32), spread=background.spread.astype(np.float32))
    write_bytes(path, buffer.getvalue())


def load_background(path: Path) -> Background:
    """Reads an empty scene; raises SourceError where the file is missing or not one."""
    mend = "learn it again with `--background learn`"
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError("it is too large")
        with np.load(path, allow_pickle=False) as arrays:
            lab, spread = (np.asarray(arrays[name]) for name in ("lab", "spread"))
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror or error})", mend) from error
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise SourceError(f"{path} is not an empty scene's file ({error})", mend) from error
    well_formed = (
        lab.dtype == spread.dtype == np.float32
        and lab.ndim == 3
        and lab.shape[2] == 3
        and spread.shape == lab.shape[:2]
        and 0 < max(spread.shape) <= SIDE
        and bool(np.isfinite(lab).all() and np.isfinite(spread).all())
    )
    if not well_formed:
        raise SourceError(f"{path} does not hold an empty scene", mend)
    return Background(lab.astype(np.float64), spread.astype(np.float64))
