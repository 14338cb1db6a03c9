import numpy as np
import pytest

from fedge.model.confidence import dequantize, softmax


def test_the_ends_of_int8_are_dequantized_without_wrapping() -> None:
    # 127 less a zero point of -128 is no int8.
    assert dequantize(np.array([-128, 3, 127], dtype=np.int8), 0.5, -128).tolist() == [0.0, 65.5, 127.5]


def test_softmax_survives_large_logits_and_follows_temperature() -> None:
    logits = np.array([[1000.0, 999.0], [0.0, 0.0]])
    probabilities = softmax(logits)
    assert probabilities[0, 0] == pytest.approx(1 / (1 + np.exp(-1)))
    assert probabilities[1].tolist() == [0.5, 0.5]
    assert softmax(logits, 4.0)[0, 0] == pytest.approx(1 / (1 + np.exp(-0.25)))


def test_softmax_leaves_out_what_is_none_of_these() -> None:
    logits = np.array([[0.0, 0.0, 0.0], [30.0, 0.0, 0.0], [-30.0, -30.0, -30.0]])
    shares = softmax(logits, unknown=0.0)
    np.testing.assert_allclose(shares.sum(axis=1), [0.75, 1, 0], atol=1e-9)
    # Half of each logit, the unknown's too, is what a temperature of two makes of them.
    np.testing.assert_allclose(softmax(logits, 2.0, 3.0), softmax(logits / 2, unknown=1.5))
