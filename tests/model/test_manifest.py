"""The limits of the manifest's numbers."""

import numpy as np
import pytest

from fedge.evaluation.fit_confidence import _LOG_TEMPERATURE_RANGE
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
    lowest, highest = np.exp(_LOG_TEMPERATURE_RANGE)
    assert TEMPERATURES[0] < lowest < highest < TEMPERATURES[1]
