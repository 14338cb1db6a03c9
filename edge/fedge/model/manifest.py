"""fedge.json: what a model file says of itself."""

import math
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray

from fedge import __version__
from fedge.errors import ManifestError, TooNew
from fedge.images.image_statistics import ImageStatistics
from fedge.images.picture import Picture
from fedge.images.preprocess import Recipe
from fedge.model.confidence import Confidence, Floats, dequantize
from fedge.model.format.foreign import OUTPUT_SCALES, ForeignInput, ForeignOutput
from fedge.model.format.schema import SchemaError, from_json, require_within

# 1: networks that fedge made. 2: networks from elsewhere, with other types, scales and outputs.
FORMAT, ADOPTED_FORMAT = 1, 2
INPUT_SCALE = 1 / 255
INPUT_ZERO_POINT = 0
# A self-test that allows more would prove nothing.
MAX_LOGIT_TOLERANCE = 16


@dataclass(frozen=True)
class FlatbufferFacts:
    """The network's size in bytes and its SHA-256."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class InputFacts:
    """The input tensor: uint8, [1, height, width, channels]; value v stands for (v - zero_point) * scale."""

    height: int
    width: int
    channels: int
    color_order: Literal["gray", "rgb"]
    dtype: Literal["uint8"] = "uint8"
    scale: float = INPUT_SCALE
    zero_point: int = INPUT_ZERO_POINT

    def __post_init__(self) -> None:
        if not math.isclose(self.scale, INPUT_SCALE, rel_tol=1e-6) or self.zero_point != INPUT_ZERO_POINT:
            raise ValueError("scale must be 1/255 and zero_point 0")

    def encode(self, image: Picture) -> NDArray[Any]:
        """What the tensor is given for a preprocessed picture, uint8 [height, width, channels]: the very same."""
        return image


@dataclass(frozen=True)
class OutputFacts:
    """The output tensor: int8 logits, [1, classes]; value v stands for (v - zero_point) * scale."""

    classes: int
    scale: float
    zero_point: int

    def __post_init__(self) -> None:
        if self.classes < 2:
            raise ValueError("classes must be at least 2")
        require_within("scale", self.scale, OUTPUT_SCALES)

    dtype = "int8"

    @property
    def step(self) -> float:
        """By how much a logit changes with one step of the output."""
        return self.scale

    def real(self, values: NDArray[Any]) -> Floats:
        """The logits that the tensor's values stand for; any shape."""
        return dequantize(values, self.scale, self.zero_point)


@dataclass(frozen=True)
class SelfTestFacts:
    """By how many steps of int8 two right implementations of the network differ in a logit; at least 1.

    Measured when the file was made, on held-out pictures: the fast kernels against the reference kernels. Each layer
    may round either way, and a deep network accumulates the differences.
    """

    logit_tolerance: int

    def __post_init__(self) -> None:
        if not 1 <= self.logit_tolerance <= MAX_LOGIT_TOLERANCE:
            raise ValueError(f"logit_tolerance must be from 1 to {MAX_LOGIT_TOLERANCE}")


@dataclass(frozen=True)
class RecipeStep:
    """A step of a recipe: its name and command, the SHA-256 of all that it depends on, and its seconds."""

    name: str
    command: Literal["train", "average", "quantize"]
    sha256: str
    seconds: float


@dataclass(frozen=True)
class RecipeFacts:
    """The recipe that made a model: its name, the SHA-256 of its file, its steps up to the network, in their order.

    `scale` is the share of its epochs and pictures that were used; below 1 it was a trial.
    """

    name: str
    sha256: str
    steps: tuple[RecipeStep, ...]
    scale: float = 1.0


@dataclass(frozen=True)
class TrainingFacts:
    """How the network was trained: data and its SHA-256, architecture, seed, epochs, and the versions of the tools.

    `camera_like` says whether the pictures were changed to look as if a camera had taken them; `seconds` is how long
    the float network took on the machine that trained it, None where that is not known; `looks` is what the
    preprocessed training pictures look like; `start` is the run or model that it went on from, if any, and `teachers`
    are those whose answers it learned too, by their names without folders; `averaged` are the runs of whose weights
    these are the mean, `epochs` and `seconds` then being those of all of them together; `test_share`, 0..1, is what of
    a folder without a `test` folder was kept for the test; `recipe` is what made it, None where commands by hand did.
    """

    data: str
    data_sha256: str
    architecture: str
    parameters: int
    seed: int
    epochs: int
    looks: ImageStatistics
    versions: dict[str, str] = field(default_factory=dict)
    camera_like: bool = False
    seconds: float | None = None
    start: str | None = None
    teachers: tuple[str, ...] = ()
    averaged: tuple[str, ...] = ()
    test_share: float | None = None
    recipe: RecipeFacts | None = None

    def __post_init__(self) -> None:
        if self.test_share is not None:
            require_within("test_share", self.test_share, (0.0, 1.0))


Proof = Literal["test", "out-of-fold", "frames", "none"]


@dataclass(frozen=True)
class ParityFacts:
    """The parity gate's figures: accuracies in 0..1, drops in percentage points, over `n` pictures of `judged_on`.

    These are the test pictures, or in a file that was made while these were closed the held-out ones.

    `proof` says what showed that the drop is within `max_drop_pp`: the test pictures, or `frames` pictures without
    labels, of which at most `frames_changed_upper95_pp` points (95%) get another answer; or out-of-fold answers to
    `out_of_fold` labelled pictures, which lost at most `out_of_fold_upper95_pp` points (95%); or nothing.
    """

    float_accuracy: float
    int8_accuracy: float
    drop_pp: float
    drop_upper95_pp: float
    max_drop_pp: float
    agreement: float
    n: int
    method: Literal["ptq", "qat"]
    proof: Proof = "test"
    frames: int | None = None
    frames_changed_upper95_pp: float | None = None
    judged_on: Literal["test", "held_out"] = "test"
    out_of_fold: int | None = None
    out_of_fold_upper95_pp: float | None = None


@dataclass(frozen=True)
class Manifest:
    """All of fedge.json; `members` maps each other member's name to its SHA-256."""

    format: int
    least_fedge: str
    name: str
    flatbuffer: FlatbufferFacts
    members: dict[str, str]
    input: InputFacts
    preprocessing: Recipe
    output: OutputFacts
    confidence: Confidence
    self_test: SelfTestFacts
    training: TrainingFacts
    parity: ParityFacts

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(f"format must be {FORMAT}")
        require_same_input(self.preprocessing, self.input)


@dataclass(frozen=True)
class AdoptedFacts:
    """Where a network from elsewhere came from, and what it was measured at.

    Attributes:
        file, file_sha256: its name, and the SHA-256 of all its bytes.
        float_file, float_sha256: the same of the float network that it was held against; None where there was none.
        data, data_sha256: the pictures that preprocessing and confidence were fitted to, and it was measured on.
        accuracy, n: on those of them that chose nothing, 0..1, and how many these are.
        looks: what the preprocessed pictures look like.
    """

    file: str
    file_sha256: str
    data: str
    data_sha256: str
    accuracy: float
    n: int
    looks: ImageStatistics
    float_file: str | None = None
    float_sha256: str | None = None


@dataclass(frozen=True)
class AdoptedManifest:
    """All of fedge.json of format 2; `parity` is None where there was no float network to hold it against."""

    format: int
    least_fedge: str
    name: str
    flatbuffer: FlatbufferFacts
    members: dict[str, str]
    input: ForeignInput
    preprocessing: Recipe
    output: ForeignOutput
    confidence: Confidence
    self_test: SelfTestFacts
    adopted: AdoptedFacts
    parity: ParityFacts | None = None

    def __post_init__(self) -> None:
        require_same_input(self.preprocessing, self.input)

    @property
    def training(self) -> TrainingFacts:
        """What is known of its training: next to nothing; `looks` are of the pictures that it was adopted with."""
        return TrainingFacts("unknown pictures", "", "unknown", 0, 0, 0, self.adopted.looks, start=self.adopted.file)


def require_same_input(recipe: Recipe, image: InputFacts | ForeignInput) -> None:
    """Raises ValueError unless the recipe makes what the input takes."""
    color = "rgb" if image.color_order == "bgr" else image.color_order
    if (*recipe.shape, recipe.color) != (image.height, image.width, image.channels, color):
        raise ValueError("preprocessing and input must give the same size and colour")


AnyManifest = Manifest | AdoptedManifest


def parse(value: Any) -> AnyManifest:
    """Reads a manifest from parsed JSON.

    Raises TooNew for a later format or fedge, ManifestError for anything else that breaks the schema.
    """
    if not isinstance(value, dict):
        raise ManifestError("fedge.json is not a JSON object", "make the model file again with `fedge quantize`")
    try:
        # The versions come first: a later format may have fields that this schema calls foreign.
        format_number, least = int(value["format"]), str(value["least_fedge"])
        too_new = format_number > ADOPTED_FORMAT or later_fedge(least)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ManifestError(
            "fedge.json does not say its format and the least fedge version",
            "make the model file again with `fedge quantize`",
        ) from error
    if too_new:
        raise TooNew(
            f"the model file needs fedge {least} or later, this is {__version__}", "run `pip install -U fedge`"
        )
    try:
        return from_json(AdoptedManifest, value) if format_number == ADOPTED_FORMAT else from_json(Manifest, value)
    except SchemaError as error:
        raise ManifestError(f"fedge.json: {error}", "make the model file again with `fedge quantize`") from error


def later_fedge(least: str) -> bool:
    """Whether that version is later than this fedge's; raises ValueError where it is none."""
    return _version(least) > _version(__version__)


def _version(text: str) -> tuple[int, ...]:
    # `int` accepts white space too, and a line break in the version would break the one-line message.
    if not re.fullmatch(r"[0-9.]+", text):
        raise ValueError(f"{text!r} is no version")
    return tuple(int(part) for part in text.split("."))
