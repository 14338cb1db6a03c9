"""From scores to answers: the thresholds, what they give up, and the measures of doubt."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from pictures_for_tests import garment

from fedge.evaluation.metrics import balanced_sample_weights
from fedge.evaluation.selective import (
    CurvePoint,
    ModeFigures,
    by_mode,
    coverage_curve,
    fit_reject_below,
    refuse_by_energy,
)
from fedge.images.cutout import CutOut
from fedge.model.classifier import Answer, Classifier, load
from fedge.model.confidence import Confidence, RejectBelow, answered, certainty
from fedge.options import REJECT_MODES, RejectMode
from fedge.runner.decisions import Decider

LOSSES = {"normal": 0.02, "strict": 0.10}


def scores(count: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(0.3, 1, count)


def test_the_score_is_the_largest_probability() -> None:
    assert certainty(np.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]])).tolist() == [0.5, 0.8]


@pytest.mark.parametrize("count", [1, 9, 10, 49, 50, 51, 1000])
def test_a_mode_gives_up_no_more_right_answers_than_it_says_and_not_many_fewer(count: int) -> None:
    right = scores(count)
    below = fit_reject_below(right, np.ones(count))
    for mode, loss in LOSSES.items():
        lost = int((right < getattr(below, mode)).sum())
        # The scores are all different, so that each picture can be given up by itself; none more fits in.
        assert lost <= loss * count < lost + 1


def test_the_answer_that_sets_a_threshold_is_still_given() -> None:
    right = np.full(100, 1 / 3)
    confidence = Confidence(reject_below=fit_reject_below(right, np.ones(100)))
    assert all(answered(confidence, mode, right, False).all() for mode in REJECT_MODES)
    certain = fit_reject_below(np.ones(3), np.ones(3))
    assert 0.999 < certain.normal <= certain.strict < 1


def test_a_source_of_few_pictures_counts_as_much_as_one_of_many() -> None:
    easy, hard = np.full(900, 0.99), np.linspace(0.5, 0.6, 100)
    both, sources = np.concatenate([easy, hard]), np.repeat([0, 1], [900, 100])
    weights = balanced_sample_weights(sources)
    assert weights[0] * 900 == pytest.approx(weights[-1] * 100) and weights.mean() == pytest.approx(1)
    # 2% of all the weight is 4% of one source's half; counted by the piece it would be 20 of the hundred.
    assert (hard < fit_reject_below(both, weights).normal).sum() == 4
    assert (hard < fit_reject_below(both, np.ones(1000)).normal).sum() == 20


def test_without_a_right_answer_nothing_is_refused() -> None:
    assert fit_reject_below(np.array([]), np.array([])) == RejectBelow(0, 0)


@pytest.mark.parametrize("thresholds", [(-0.1, 0.5), (0.5, 0.4), (0.5, 1.0)])
def test_thresholds_that_make_no_sense_are_refused(thresholds: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="and strict below 1"):
        RejectBelow(*thresholds)


def test_coverage_and_accuracy_by_mode() -> None:
    confidence = Confidence(reject_below=RejectBelow(0.5, 0.9))
    values, right = np.array([0.95, 0.9, 0.7, 0.6, 0.4, 0.99]), np.array([1, 1, 1, 0, 0, 0], dtype=bool)
    empty = np.array([0, 0, 0, 0, 0, 1], dtype=bool)
    assert by_mode(confidence, values, right, empty) == {
        "off": ModeFigures(coverage=5 / 6, answered=5, right=3, accuracy=3 / 5),
        "normal": ModeFigures(coverage=4 / 6, answered=4, right=3, accuracy=3 / 4),
        "strict": ModeFigures(coverage=2 / 6, answered=2, right=2, accuracy=1.0),
    }
    assert by_mode(confidence, values, right, np.ones(6, dtype=bool))["off"].accuracy is None


def test_the_curve_falls_to_nothing_where_the_score_knows_the_errors() -> None:
    right = np.arange(100) < 80
    knowing = coverage_curve(np.linspace(1, 0, 100), right)
    assert [point.error for point in knowing[:16]] == [0] * 16
    assert knowing[-1] == CurvePoint(1.0, pytest.approx(0.2))
    misled = coverage_curve(np.linspace(0, 1, 100), right)
    assert misled[0].error == 1 and misled[-1].error == pytest.approx(0.2)


@pytest.fixture
def classifier(model_path: Path) -> Classifier:
    """`base`, cutting objects out, with thresholds that no score reaches."""
    model = load(model_path).model
    manifest = dataclasses.replace(
        model.manifest,
        preprocessing=dataclasses.replace(model.manifest.preprocessing, cut_out=CutOut()),
        confidence=Confidence(model.manifest.confidence.temperature, RejectBelow(0.0, 1 - 1e-9)),
    )
    return Classifier(dataclasses.replace(model, manifest=manifest))


def test_the_mode_decides_about_doubt_and_only_about_doubt(classifier: Classifier) -> None:
    labels: dict[RejectMode, str | None] = {}
    for mode in REJECT_MODES:
        classifier.reject = mode
        labels[mode] = classifier.classify(garment(sleeves=False)).label
        nothing = classifier.classify(np.full((240, 320, 3), 128, dtype=np.uint8))
        assert nothing.rejected and nothing.score == pytest.approx(1 / 10)
    assert labels["off"] == labels["normal"] is not None and labels["strict"] is None


def test_a_refused_answer_is_no_evidence_for_a_decision(classifier: Classifier) -> None:
    decided = {}
    for mode in ("normal", "strict"):
        classifier.reject = mode
        answer = classifier.classify(garment(sleeves=False))
        assert max(answer.probabilities) == answer.score
        assert max(answer.evidence) == (pytest.approx(1 / 10) if answer.rejected else answer.score)
        decider = Decider(classifier.labels, window_seconds=0, enter=answer.score, leave=answer.score)
        decided[mode] = decider.update(answer.evidence, 0.0, datetime.now(UTC)).label
    assert decided["normal"] is not None and decided["strict"] is None


def test_evidence_is_uniform_where_there_is_no_label() -> None:
    unknown = Answer(None, 0.7, (), 0, 0, (0.7, 0.2, 0.1, 0.0))
    assert unknown.evidence == (0.25,) * 4
    assert dataclasses.replace(unknown, label="a").evidence == unknown.probabilities


def test_the_energy_refuses_what_has_none_of_the_classes_though_one_is_nearer() -> None:
    generator = np.random.default_rng(0)
    known = np.eye(3)[generator.integers(3, size=500)] * 6 + generator.normal(size=(500, 3))
    # A third of what a known picture has of its class, and nothing of the others: the likeliest class is as clear.
    strange = np.array([[0.0, -6.0, -6.0]])
    confidence = refuse_by_energy(Confidence(), known, np.ones(500, bool), np.ones(500))
    assert confidence.score == "energy" and certainty(confidence.probabilities(strange))[0] > 0.99
    for mode, loss in LOSSES.items():
        given = answered(confidence, mode, confidence.scores(known), False)
        assert given.mean() == pytest.approx(1 - loss, abs=0.002)
        assert not answered(confidence, mode, confidence.scores(strange), False)[0]
    assert refuse_by_energy(Confidence(), known, np.zeros(500, bool), np.ones(500)) == Confidence()
