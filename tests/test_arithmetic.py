import numpy as np
import pytest

from fedge.arithmetic import dequantize, quantize, softmax


def test_rounds_then_clips() -> None:
    values = np.array([0.0, 0.24, 0.26, -0.26, 0.25, 0.75, 100.0, -100.0])
    # Steps of a half around zero point 3; ties go to the even step; the ends are clipped, never wrapped.
    assert quantize(values, 0.5, 3).tolist() == [3, 3, 4, 2, 3, 5, 127, -128]


def test_quantize_undoes_dequantize_for_every_value() -> None:
    every = np.arange(-128, 128, dtype=np.int8)
    assert np.array_equal(quantize(dequantize(every, 0.137, -11), 0.137, -11), every)


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
