"""The arithmetic of int8 quantization, and from logits to probabilities."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fedge.model.format.schema import require_within
from fedge.options import RejectMode

# The limits of a temperature and of the logit of "none of these"; what `fedge quantize` fits lies well within. Beyond
# them the scores become 0, 1 or all equal, and at last NaN: a logit divided by a tiny temperature is infinite, and
# softmax subtracts the largest logit from each.
TEMPERATURES = (0.01, 100.0)
MOST_UNKNOWN = 1e6

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Score = Literal["probability", "energy"]


def dequantize(values: NDArray[Any], scale: float, zero_point: int) -> Floats:
    """Quantized values, int8 as a rule, to the real numbers that they stand for, any shape."""
    return (values.astype(np.float64) - zero_point) * scale


def softmax(logits: Floats, temperature: float = 1.0, unknown: float | None = None) -> Floats:
    """Probabilities in 0..1 over the last axis, of logits divided by `temperature` (> 0).

    With `unknown` there is one more class, "none of these", of that logit, whose probability is left out: what is left
    adds up to less than 1.
    """
    if unknown is not None:
        logits = np.concatenate([logits, np.full_like(logits[..., :1], unknown)], axis=-1)
        return softmax(logits, temperature)[..., :-1]
    scaled = logits / temperature
    exponentials = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))


@dataclass(frozen=True)
class RejectBelow:
    """The scores, in 0..1 without 1, below which each mode refuses an answer; `off` refuses none for its score."""

    normal: float = 0.0
    strict: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.normal <= self.strict < 1:
            raise ValueError("normal must be in 0..strict, and strict below 1")


@dataclass(frozen=True)
class Energy:
    """How much a picture has of the classes at all, whichever it is: temperature * log(sum(exp(logits / temperature))).

    Things that are none of the classes have less of it; the likeliest class's probability tells them worse, because it
    only says which of the classes is nearer. At the energy `level` the score is 1/2.

    Source: Liu et al., "Energy-based Out-of-distribution Detection", 2020, there with the opposite sign.
    """

    temperature: float
    level: float

    def __post_init__(self) -> None:
        require_within("temperature", self.temperature, TEMPERATURES)
        require_within("level", self.level, (-MOST_UNKNOWN, MOST_UNKNOWN))

    def scores(self, logits: Floats) -> Floats:
        """A rising function of the energy, 0..1, over the last axis of real logits."""
        with np.errstate(over="ignore"):
            return np.asarray(1 / (1 + np.exp(self.level - energy(logits, self.temperature))))


def energy(logits: Floats, temperature: float) -> Floats:
    """The energy over the last axis of real logits; see `Energy`."""
    scaled = logits / temperature
    most = scaled.max(axis=-1)
    return np.asarray(temperature * (most + np.log(np.exp(scaled - most[..., np.newaxis]).sum(axis=-1))))


@dataclass(frozen=True)
class Confidence:
    """How logits become a decision: softmax of logits / temperature; unknown where the score is below `reject_below`.

    The score is the likeliest class's probability, or where `energy` is given that of the energy. Where the network
    learned from outliers too, the answer "none of these" has the logit `unknown`. `ece` is the expected calibration
    error, in 0..1, on the held-out pictures that the temperature was fitted to.
    """

    temperature: float = 1.0
    reject_below: RejectBelow = field(default_factory=RejectBelow)
    ece: float | None = None
    unknown: float | None = None
    energy: Energy | None = None

    def probabilities(self, logits: Floats) -> Floats:
        """Calibrated probabilities of the classes over the last axis of real logits, any number of pictures."""
        return softmax(logits, self.temperature, self.unknown)

    @property
    def score(self) -> Score:
        """By which score answers are refused."""
        return "energy" if self.energy else "probability"

    def scores(self, logits: Floats) -> Floats:
        """What decides whether answers are given, 0..1, over the last axis of real logits."""
        return self.energy.scores(logits) if self.energy else certainty(self.probabilities(logits))

    def __post_init__(self) -> None:
        require_within("temperature", self.temperature, TEMPERATURES)
        if self.unknown is not None:
            require_within("unknown", self.unknown, (-MOST_UNKNOWN, MOST_UNKNOWN))

    def threshold(self, mode: RejectMode) -> float:
        """The least score that is an answer in this mode, 0..1."""
        return {"off": 0.0, "normal": self.reject_below.normal, "strict": self.reject_below.strict}[mode]


def certainty(probabilities: Floats) -> Floats:
    """The likeliest class's probability, 0..1, over the last axis."""
    return np.asarray(probabilities.max(axis=-1))


def answered(confidence: Confidence, mode: RejectMode, scores: Floats, empty: Flags | bool) -> Flags:
    """Which pictures get an answer, shaped as `scores`: those that are not `empty` and whose score is enough."""
    return np.asarray(np.logical_not(empty) & (scores >= confidence.threshold(mode)))
