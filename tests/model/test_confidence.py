import numpy as np
import pytest

from fedge.model.confidence import Confidence, Energy, RejectBelow, dequantize, energy, softmax
from fedge.model.format.schema import SchemaError, from_json, to_json


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


def test_the_energy_is_what_it_is_said_to_be_and_scores_rise_with_it() -> None:
    logits = np.random.default_rng(0).normal(size=(50, 4)) * 5
    np.testing.assert_allclose(energy(logits, 2.0), 2 * np.log(np.exp(logits / 2).sum(axis=1)))
    by_energy = Confidence(energy=Energy(2.0, 3.0))
    scores = by_energy.scores(logits)
    assert (np.argsort(scores) == np.argsort(energy(logits, 2.0))).all() and ((scores > 0) & (scores < 1)).all()
    assert by_energy.scores(np.array([-1e6, -1e6, 1e6])) == 1 and by_energy.scores(np.full(3, -1e6)) == 0


def test_confidence_of_older_files_is_by_probability() -> None:
    old = to_json(Confidence(2.0, RejectBelow(0.4, 0.6)))
    del old["energy"]
    read = from_json(Confidence, old)
    assert read.score == "probability"
    logits = np.array([[3.0, 1.0], [0.0, 0.0]])
    assert (read.scores(logits) == read.probabilities(logits).max(axis=1)).all()
    with pytest.raises(SchemaError, match="temperature"):
        from_json(Confidence, old | {"energy": {"temperature": 0.0, "level": 1.0}})
