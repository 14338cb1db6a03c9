"""Frames of a still scene keep their answer; what moves, or is due, is classified."""

from collections.abc import Iterable

import numpy as np
import pytest
from pictures_for_tests import garment, scene

from fedge.errors import SourceError
from fedge.images.picture import Picture
from fedge.model.classifier import Answer, Classifier
from fedge.options import WhenOptions, parse_when
from fedge.runner.decisions import Decider
from fedge.runner.health import Health
from fedge.runner.loop import classify_frames
from fedge.runner.motion import Gate
from fedge.runner.result import Result
from fedge.sources.backends.in_memory import InMemoryCamera
from fedge.sources.base import Frame

WINDOW, STEP = 1.0, 0.1


def opened(pictures: Iterable[Picture], when: WhenOptions, step: float = STEP) -> list[bool]:
    """What a gate says of pictures that come every `step` seconds."""
    gate = Gate(when, WINDOW)
    return [gate.is_open(Frame(picture, "", position=number * step)) for number, picture in enumerate(pictures)]


def noisy(number: int, picture: Picture) -> Picture:
    noise = np.random.default_rng(number).normal(0, 8, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def test_without_a_gate_every_frame_is_classified() -> None:
    assert all(opened([scene(0)] * 50, WhenOptions()))


def test_a_scene_at_rest_is_classified_until_the_decision_rests_on_it_and_no_longer() -> None:
    open_ = opened([noisy(number, scene(0) // 2 + 64) for number in range(60)], parse_when("motion"))
    # The window of the decision, and a second.
    assert open_ == [True] * 20 + [False] * 40


@pytest.mark.parametrize("change", [garment(False), np.roll(garment(True), 40, axis=1), garment(True) // 2])
def test_what_moves_comes_or_goes_is_classified_at_once(change: Picture) -> None:
    open_ = opened([garment(True)] * 30 + [change] * 30, parse_when("motion"))
    assert open_ == ([True] * 20 + [False] * 10) + ([True] * 20 + [False] * 10)


def test_what_changes_slowly_is_noticed_too() -> None:
    dark = scene(0) // 2
    assert any(opened([dark + np.uint8(number // 5) for number in range(100)], parse_when("motion"))[30:])


def test_one_in_so_many_seconds_is_classified_and_a_clock_that_goes_back_does_not_stop_it() -> None:
    assert opened([scene(0, 64, 48)] * 8, parse_when("every:0.25"), step=0.1) == [True, False, False] * 2 + [
        True,
        False,
    ]
    gate = Gate(parse_when("every:10"), WINDOW)
    assert gate.is_open(Frame(scene(0, 64, 48), "", position=100.0))
    assert gate.is_open(Frame(scene(0, 64, 48), "", position=1.0))


@pytest.mark.parametrize("text", ["", "sometimes", "every", "every:", "every:-1", "every:x", "every:nan"])
def test_what_says_no_when_is_refused(text: str) -> None:
    with pytest.raises(SourceError, match="give always, motion or every:SECONDS"):
        parse_when(text)


def test_a_still_frame_keeps_answer_and_decision_and_is_counted(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    classified = 0
    classify = classifier.classify

    def counted(picture: Picture) -> Answer:
        nonlocal classified
        classified += 1
        return classify(picture)

    monkeypatch.setattr(classifier, "classify", counted)
    health = Health()
    results = classify_frames(
        classifier,
        InMemoryCamera([garment(True)] * 5),
        Decider(classifier.labels, 0.0, 0.3, 0.2),
        health,
        Gate(parse_when("every:1000"), WINDOW),
    )
    first, *rest = [result for result in results if isinstance(result, Result)]
    assert classified == 1
    assert (health.snapshot().frames, health.snapshot().still) == (5, 4)
    assert "still" not in first.to_json()
    for result in rest:
        line = result.to_json()
        assert line["still"] is True
        assert (line["label"], line["score"], line["decision"]) == (
            first.answer.label,
            round(first.answer.score, 6),
            first.decision.label,
        )
        assert (line["changed"], line["preprocess_ms"], line["infer_ms"]) == (False, 0, 0)
