"""`fedge samples`: test pictures as files, to try a model on."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fedge.data import fashion_mnist
from fedge.data.dataset import stratified_sample
from fedge.errors import DataError
from fedge.model.format.schema import to_json
from fedge.system.files import write_bytes
from fedge.system.json_types import JsonObject

# As a shop shows a garment: larger, and dark on white.
SIDE = 280


@dataclass(frozen=True)
class SamplesReport:
    """Where the pictures were written, and how many."""

    folder: str
    n: int


def write_samples(folder: Path, count: int, seed: int) -> SamplesReport:
    """Writes `count` Fashion-MNIST test pictures, stratified, as PNG files named for their class.

    Raises DataError where the folder already has something in it.
    """
    if folder.exists() and any(folder.iterdir()):
        raise DataError(f"{folder} is not empty", "choose another folder")
    pictures, labels = fashion_mnist.load("test")
    chosen = stratified_sample(labels, count, seed)
    for i in chosen:
        enlarged = cv2.resize(255 - pictures[i], (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        name = fashion_mnist.LABELS[labels[i]].lower().replace("/", "-").replace(" ", "-")
        write_bytes(folder / f"{name}-{i:05d}.png", np.asarray(cv2.imencode(".png", enlarged)[1]).tobytes())
    return SamplesReport(str(folder), len(chosen))


def as_text(report: SamplesReport) -> str:
    """The report in a line."""
    return f"{report.n} pictures in {report.folder}"


def as_json(report: SamplesReport) -> JsonObject:
    """The fields of `SamplesReport`."""
    return to_json(report)
