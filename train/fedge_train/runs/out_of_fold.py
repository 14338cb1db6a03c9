"""Answers of heads to pictures that they had not learned: confidence is fitted to these where none is held out."""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fedge.errors import RunError
from fedge.system.files import replacing

OUT_OF_FOLD = "out_of_fold.npz"


@dataclass(frozen=True)
class OutOfFold:
    """Answers to pictures by heads that had learned from the others.

    Attributes:
        logits: float32, [n, classes].
        right: bool, [n, classes]: the right classes.
        sources: int64, [n]: from which of the data set's sources each picture came.
    """

    logits: NDArray[np.float32]
    right: NDArray[np.bool_]
    sources: NDArray[np.int64]


def write_out_of_fold(folder: Path, answers: OutOfFold) -> None:
    """Writes a run's out-of-fold answers."""
    with replacing(folder / OUT_OF_FOLD) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, logits=answers.logits, right=answers.right, sources=answers.sources)


def read_out_of_fold(folder: Path, classes: int) -> OutOfFold | None:
    """A run's out-of-fold answers, None where it has none; raises RunError where they are of another shape."""
    path = folder / OUT_OF_FOLD
    if not path.is_file():
        return None
    try:
        # NumPy leaves a damaged file open.
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            answers = OutOfFold(archive["logits"], archive["right"], archive["sources"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise RunError(f"{path} cannot be read ({error})", "train again") from error
    shape = (len(answers.sources), classes)
    if answers.logits.shape != shape or answers.right.shape != shape:
        raise RunError(f"{path} is not of this run", "train again")
    return answers
