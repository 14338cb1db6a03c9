"""The empty scene before a still camera: learned from a few frames, kept in a file, compared with each frame."""

import io
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fedge.errors import OutputError, SourceError
from fedge.images.color import to_lab
from fedge.images.resize import resize_longest
from fedge.system.files import write_bytes
from fedge.system.npz import read_arrays

SIDE = 96
MOST_BYTES = 1 << 20
# A camera's noise after resizing, in steps of 256: the least spread that any pixel is given.
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
    """Learns the empty scene from one frame or more, uint8 [h, w, 3] blue-green-red, all of one size.

    It does not matter whether they are shrunk to `SIDE` pixels already. Raises SourceError where they differ in size.
    """
    small = [to_lab(resize_longest(frame, SIDE)) for frame in frames]
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
    # Automatic exposure moves all pixels by the same amount, measured along the picture's frame: most of that still
    # shows the empty scene.
    frame = np.concatenate([difference[0], difference[-1], difference[:, 0], difference[:, -1]])
    distance = np.sqrt(np.square(difference - np.median(frame, axis=0)).sum(axis=2))
    return np.asarray(np.clip(distance / (SPREADS * np.maximum(spread, LEAST_SPREAD)) - 1, -1, 1))


def require_writable(path: Path) -> None:
    """Raises OutputError where no file can be written at `path`; makes nothing, and its folder need not be there."""
    try:
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _not_written(path, error) from error


def save_background(background: Background, path: Path) -> None:
    """Writes an empty scene to `path`, whole or not at all; raises OutputError where that fails."""
    buffer = io.BytesIO()
    np.savez(buffer, lab=background.lab.astype(np.float32), spread=background.spread.astype(np.float32))
    try:
        write_bytes(path, buffer.getvalue())
    except OSError as error:
        raise _not_written(path, error) from error


def load_background(path: Path) -> Background | None:
    """Reads an empty scene; None where there is no such file yet. Raises SourceError where it holds something else."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror})", "give --background another file") from error
    mend = f"remove it and run again with `--background {path}`, which learns it anew"
    try:
        if len(data) > MOST_BYTES:
            raise ValueError("it is too large")
        arrays = read_arrays(data, MOST_BYTES)
    except ValueError as error:
        raise SourceError(f"{path} is not an empty scene's file ({error})", mend) from error
    lab, spread = (arrays.get(name, np.empty(0)) for name in ("lab", "spread"))
    well_formed = (
        lab.dtype == spread.dtype == np.float32
        and lab.ndim == 3
        and lab.shape[2] == 3
        and spread.shape == lab.shape[:2]
        and min(spread.shape) > 0
        and max(spread.shape) <= SIDE
        and bool(np.isfinite(lab).all() and np.isfinite(spread).all())
    )
    if not well_formed:
        raise SourceError(f"{path} does not hold an empty scene", mend)
    return Background(lab.astype(np.float64), spread.astype(np.float64))


def _not_written(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path} cannot be written ({error.strerror})", "give --background another file")
