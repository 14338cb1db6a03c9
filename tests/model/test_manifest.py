"""The limits of the manifest's numbers."""

import numpy as np
import pytest

from fedge.evaluation.fit_confidence import fit_confidence
from fedge.model.confidence import MOST_UNKNOWN, TEMPERATURES, Confidence, dequantize
from fedge.model.manifest import OUTPUT_SCALES


@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("scale", OUTPUT_SCALES)
@pytest.mark.parametrize("unknown", [None, -MOST_UNKNOWN, MOST_UNKNOWN])
def test_within_the_limits_every_score_is_a_number(temperature: float, scale: float, unknown: float | None) -> None:
    logits = np.array([[-128, 127], [127, 127], [-128, -128]], dtype=np.int8)
    probabilities = Confidence(temperature, unknown=unknown).probabilities(dequantize(logits, scale, -128))
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


def test_the_limits_hold_each_temperature_that_is_fitted() -> None:
    def fitted(gap: float, right: int) -> float:
        """The temperature for 1,000 answers whose logits are `gap` above the others', all of class 0."""
        logits, truth = np.tile([gap, 0.0], (1000, 1)), np.zeros((1000, 2), dtype=np.bool_)
        truth[:, right] = True
        return fit_confidence(logits, truth, np.zeros(1000, dtype=np.int64), None).temperature

    # Right for hardly any reason, and wrong for a strong one: the lowest and the highest that fitting gives.
    lowest, highest = fitted(1e-3, 0), fitted(1e3, 1)
    assert lowest < 0.1 and highest > 10
    assert TEMPERATURES[0] < lowest < highest < TEMPERATURES[1]
