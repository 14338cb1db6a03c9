"""golden.npz: raw pictures and the answers that they must give; the device's self-test."""

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedge.errors import ArchiveError
from fedge.images.picture import Picture
from fedge.images.preprocess import Recipe, apply
from fedge.model.classifier import Classifier
from fedge.model.file import GOLDEN, MEMBER_CAPS
from fedge.model.format.foreign import FLOAT_STEP, ForeignOutput
from fedge.model.interpreter import runtime_name
from fedge.model.manifest import OutputFacts, SelfTestFacts
from fedge.system.npz import read_arrays

# Two builds of OpenCV may round a resized pixel differently, by one step.
INPUT_TOLERANCE = 1
MAX_PICTURES = 64

LogitsOf = Callable[[NDArray[np.uint8]], NDArray[Any]]

_AGAIN = "make the model file again with `fedge quantize`"


@dataclass(frozen=True)
class GoldenVectors:
    """Raw pictures, the inputs that preprocessing must make of them, and the logits that the network must give.

    Attributes:
        pictures: uint8, each [h, w] or [h, w, 3] blue-green-red.
        inputs: uint8, [n, height, width, channels].
        logits: int8, [n, classes], of the network on `inputs`; of the output's type where it is from elsewhere.
    """

    pictures: tuple[Picture, ...]
    inputs: NDArray[np.uint8]
    logits: NDArray[Any]


@dataclass(frozen=True)
class SelfTest:
    """The self-test's result: how far this machine is from the golden answers, in steps of uint8 and int8."""

    passed: bool
    n: int
    max_input_difference: int
    max_logit_difference: int
    input_tolerance: int
    logit_tolerance: int
    runtime: str


def pack(golden: GoldenVectors) -> bytes:
    """The bytes of golden.npz; the same vectors give the same bytes."""
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {f"picture_{i:02d}": picture for i, picture in enumerate(golden.pictures)}
    np.savez(buffer, **arrays, inputs=golden.inputs, logits=golden.logits)
    return buffer.getvalue()


def unpack(data: bytes, dtype: str = "int8") -> GoldenVectors:
    """Reads golden.npz, whose logits are of `dtype`.

    Raises ArchiveError where an array is missing, foreign or not of the size it claims.
    """
    try:
        arrays = read_arrays(data, MEMBER_CAPS[GOLDEN])
        inputs, logits = arrays.pop("inputs"), arrays.pop("logits")
    except (KeyError, ValueError) as error:
        raise ArchiveError(f"golden.npz cannot be read ({error})", _AGAIN) from error
    pictures = tuple(arrays[name] for name in sorted(arrays))
    well_formed = (
        1 <= len(pictures) <= MAX_PICTURES
        and all(p.dtype == np.uint8 and (p.ndim == 2 or p.shape[2:] == (3,)) and p.size for p in pictures)
        and inputs.dtype == np.uint8
        and inputs.ndim == 4
        and len(inputs) == len(pictures)
        and logits.dtype == dtype
        and logits.ndim == 2
        and len(logits) == len(pictures)
    )
    if not well_formed:
        raise ArchiveError("golden.npz does not hold pictures, inputs and logits that belong together", _AGAIN)
    return GoldenVectors(pictures, inputs, logits)


def self_test(classifier: Classifier) -> SelfTest:
    """Runs the golden pictures here: preprocessing against the golden inputs, the network against the golden logits."""
    manifest = classifier.model.manifest
    golden = unpack(classifier.model.golden, manifest.output.dtype)
    return compare_vectors(golden, manifest.preprocessing, manifest.output, manifest.self_test, classifier.logits)


def compare_vectors(
    golden: GoldenVectors,
    recipe: Recipe,
    output: OutputFacts | ForeignOutput,
    facts: SelfTestFacts,
    logits_of: LogitsOf,
) -> SelfTest:
    """Holds what preprocessing and a network give here against golden vectors; raises ArchiveError for foreign ones."""
    if golden.inputs.shape[1:] != recipe.shape or golden.logits.shape[1] != output.classes:
        raise ArchiveError("golden.npz is of another model's shape", _AGAIN)
    inputs = np.stack([apply(recipe, picture) for picture in golden.pictures])
    logits = np.stack([logits_of(image) for image in golden.inputs])
    input_difference = difference(inputs, golden.inputs)
    logit_difference = difference(logits, golden.logits)
    tolerance = facts.logit_tolerance
    passed = input_difference <= INPUT_TOLERANCE and logit_difference <= tolerance
    return SelfTest(passed, len(inputs), input_difference, logit_difference, INPUT_TOLERANCE, tolerance, runtime_name())


def make(logits_of: LogitsOf, recipe: Recipe, pictures: list[Picture]) -> GoldenVectors:
    """Golden vectors: what preprocessing and a network make of the pictures here."""
    inputs = np.stack([apply(recipe, picture) for picture in pictures])
    return GoldenVectors(tuple(pictures), inputs, np.stack([logits_of(image) for image in inputs]))


def difference(a: NDArray[Any], b: NDArray[Any]) -> int:
    """The largest difference in steps of the type; of floats in 256ths."""
    if a.dtype.kind == "f":
        return math.ceil(round(float(np.abs(a - b).max()) / FLOAT_STEP, 3))
    return int(np.abs(a.astype(np.int16) - b.astype(np.int16)).max())
