"""The arithmetic of int8 quantization, and from logits to probabilities."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def dequantize(values: NDArray[np.int8], scale: float, zero_point: int) -> Floats:
    """int8 to the real numbers that they stand for, any shape."""
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
