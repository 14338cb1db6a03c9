"""The debounced decision: smoothing, hysteresis, forgetting, and going on from a state."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from fedge.runner.decisions import Decider, Decision

LABELS = ("a", "b", "c")
A, B, UNSURE = (0.9, 0.05, 0.05), (0.05, 0.9, 0.05), (0.5, 0.3, 0.2)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def feed(
    decider: Decider, probabilities: list[tuple[float, ...]], start: float = 0.0, step: float = 0.1
) -> list[Decision]:
    moments = [start + step * i for i in range(len(probabilities))]
    return [decider.update(p, m, NOON + timedelta(seconds=m)) for p, m in zip(probabilities, moments, strict=True)]


def test_decides_only_after_half_the_window() -> None:
    labels = [d.label for d in feed(Decider(LABELS, 1.0), [A] * 10)]
    assert labels == [None] * 5 + ["a"] * 5


def test_one_other_frame_changes_nothing_but_many_do() -> None:
    decider = Decider(LABELS, 1.0)
    decisions = feed(decider, [A] * 20 + [B] + [A] * 20 + [B] * 20)
    assert [d.label for d in decisions[5:41]] == ["a"] * 36
    assert decisions[-1].label == "b"


def test_changed_is_true_on_the_frame_of_the_change_alone_and_since_is_its_time() -> None:
    decisions = feed(Decider(LABELS, 1.0), [A] * 20)
    assert [i for i, d in enumerate(decisions) if d.changed] == [5]
    assert decisions[-1].since == NOON + timedelta(seconds=0.5)


def test_without_smoothing_every_frame_decides() -> None:
    decisions = feed(Decider(LABELS, 0), [A, B, A])
    assert [d.label for d in decisions] == ["a", "b", "a"]


def test_between_leave_and_enter_a_decision_stays_and_none_is_made() -> None:
    decider = Decider(LABELS, 0, enter=0.6, leave=0.4)
    assert [d.label for d in feed(decider, [UNSURE, A, UNSURE])] == [None, "a", "a"]


def test_below_leave_a_decision_is_given_up() -> None:
    decider = Decider(LABELS, 0, enter=0.6, leave=0.55)
    decisions = feed(decider, [A, UNSURE])
    assert decisions[1].label is None
    assert decisions[1].changed
    # The window's sum is kept up by adding and subtracting: float64 rounds at 1e-16 each time.
    assert decisions[1].score == pytest.approx(0.5, abs=1e-15)


def test_score_is_the_mean_of_the_window() -> None:
    # 0.7 and 0.9 are within 0.15 s; a third frame must be there to decide, so the window holds all three.
    decider = Decider(LABELS, 0.15)
    decisions = feed(decider, [(0.5, 0.5, 0), (0.7, 0.3, 0), (0.9, 0.1, 0)])
    # A mean of three numbers of float64: rounding is below 1e-15.
    assert decisions[-1].score == pytest.approx(0.7, abs=1e-15)


def test_a_slow_cameras_single_frame_decides_nothing() -> None:
    labels = [d.label for d in feed(Decider(LABELS, 1.0), [A, A, A, B, A, A], step=3.0)]
    assert labels == [None, None, "a", "a", "a", "a"]


@pytest.mark.parametrize("moment", [1000.0, -1000.0])
def test_a_long_break_is_forgotten(moment: float) -> None:
    decider = Decider(LABELS, 1.0)
    feed(decider, [A] * 20)
    after = decider.update(A, moment, NOON)
    assert after.label is None
    assert after.changed


def test_a_wall_clock_that_jumps_does_not_matter() -> None:
    steady, jumping = Decider(LABELS, 1.0), Decider(LABELS, 1.0)
    frames = [A] * 10 + [B] * 10
    for i, probabilities in enumerate(frames):
        plain = steady.update(probabilities, i / 10, NOON)
        jumped = jumping.update(probabilities, i / 10, NOON + timedelta(days=(-1) ** i))
        assert (plain.label, plain.score, plain.changed) == (jumped.label, jumped.score, jumped.changed)


def test_a_restored_decider_decides_the_same() -> None:
    frames = [tuple(row) for row in np.random.default_rng(0).dirichlet((0.3, 0.3, 0.3), 400)]
    whole = feed(Decider(LABELS, 0.5, 0.5, 0.4), frames, step=0.125)
    first = Decider(LABELS, 0.5, 0.5, 0.4)
    feed(first, frames[:200], step=0.125)
    second = Decider(LABELS, **first.options())
    second.restore(json.loads(json.dumps(first.state())))
    again = feed(second, frames[200:], start=25.0, step=0.125)
    assert len({d.label for d in whole}) > 2
    assert [(d.label, d.changed, d.since) for d in again] == [(d.label, d.changed, d.since) for d in whole[200:]]


@pytest.mark.parametrize(
    "state", [{"decided": 7, "since": None, "history": []}, {"history": [[0.0, 1.0]], "decided": 0}, {}]
)
def test_a_state_of_other_labels_is_refused(state: dict[str, object]) -> None:
    with pytest.raises((KeyError, ValueError)):
        Decider(LABELS).restore(state)


@pytest.mark.parametrize("arguments", [(-1, 0.6, 0.4), (1, 0.4, 0.6), (1, 1.5, 0.4), (1, 0.6, 0)])
def test_impossible_settings_are_refused(arguments: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError):
        Decider(LABELS, *arguments)
