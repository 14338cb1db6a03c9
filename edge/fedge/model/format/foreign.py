"""The input and output of a network from elsewhere: their types, scales, and what their numbers stand for."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fedge.images.picture import Picture
from fedge.model.confidence import Floats, dequantize
from fedge.model.format.schema import require_within

OUTPUT_SCALES = (1e-6, 1e6)
ForeignType = Literal["uint8", "int8", "float32"]
Kind = Literal["logits", "probabilities"]
# What a right float kernel differs by is far less.
FLOAT_STEP = 1 / 256
MOST_GAIN = 1e6


@dataclass(frozen=True)
class ForeignInput:
    """The input tensor of a network from elsewhere: [1, height, width, channels].

    A pixel of channel c becomes the real number pixel * gain[c] + offset[c]. A quantized tensor holds
    round(real / scale + zero_point), clipped to its type; a float one the real number, and then the scale is 1.
    """

    height: int
    width: int
    channels: int
    color_order: Literal["gray", "rgb", "bgr"]
    dtype: ForeignType
    scale: float
    zero_point: int
    gain: tuple[float, ...]
    offset: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.gain) != self.channels or len(self.offset) != self.channels:
            raise ValueError("gain and offset must have one number for each channel")
        require_within("scale", self.scale, OUTPUT_SCALES)
        for name, values in (("gain", self.gain), ("offset", self.offset)):
            for value in values:
                require_within(name, value, (-MOST_GAIN, MOST_GAIN))

    def encode(self, image: Picture) -> NDArray[Any]:
        """What the tensor is given for a preprocessed picture, uint8 [height, width, channels], red first."""
        ordered = image[:, :, ::-1] if self.color_order == "bgr" else image
        real = ordered * np.array(self.gain, np.float32) + np.array(self.offset, np.float32)
        if self.dtype == "float32":
            return np.asarray(real, dtype=np.float32)
        limits = np.iinfo(self.dtype)
        return np.clip(np.rint(real / self.scale + self.zero_point), limits.min, limits.max).astype(self.dtype)


@dataclass(frozen=True)
class ForeignOutput:
    """The output tensor of a network from elsewhere, as many values as `classes`; of a float one the scale is 1.

    `kind` says what they are: logits, or probabilities, whose logarithms then count as logits.
    """

    classes: int
    dtype: ForeignType
    scale: float
    zero_point: int
    kind: Kind

    def __post_init__(self) -> None:
        if self.classes < 2:
            raise ValueError("classes must be at least 2")
        require_within("scale", self.scale, OUTPUT_SCALES)

    @property
    def step(self) -> float:
        """By how much a logit changes with one step of the output; near one half, where it is a probability."""
        step = FLOAT_STEP if self.dtype == "float32" else self.scale
        return 4 * step if self.kind == "probabilities" else step

    def real(self, values: NDArray[Any]) -> Floats:
        """The logits that the tensor's values stand for; any shape."""
        numbers = dequantize(values, self.scale, self.zero_point)
        # A probability that was rounded to 0 was below half a step.
        least = 1e-7 if self.dtype == "float32" else self.scale / 2
        return numbers if self.kind == "logits" else np.log(np.maximum(numbers, least))
