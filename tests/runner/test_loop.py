"""The loop: results, decisions, health and what goes to the sink; a wall clock that jumps does not matter."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from pictures_for_tests import garment, scene

from fedge.model.classifier import Classifier
from fedge.options import FaultLimits
from fedge.runner.decisions import Decider
from fedge.runner.health import Health, HealthSnapshot, OutputStatus
from fedge.runner.loop import classify_frames, show
from fedge.runner.result import Result
from fedge.sources import base as frame_module
from fedge.sources.backends.in_memory import Corrupt, InMemoryCamera, Step, Unplug
from fedge.sources.base import Fault, Frame, Source
from fedge.sources.live import LiveSource


class Listener:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.snapshots: list[HealthSnapshot] = []

    def show(self, result: Result) -> None:
        self.results.append(result)

    def health(self, snapshot: HealthSnapshot) -> None:
        self.snapshots.append(snapshot)

    def close(self) -> None: ...


def listen(classifier: Classifier, source: Source, window: float = 0.05, health_seconds: float = 1.0) -> Listener:
    health, sink = Health(), Listener()
    results = classify_frames(classifier, source, Decider(classifier.labels, window, 0.3, 0.2), health)
    show(results, sink, health, health_seconds=health_seconds)
    sink.snapshots.append(health.snapshot())
    return sink


def test_every_result_goes_to_the_sink_in_order(classifier: Classifier) -> None:
    sink = listen(classifier, InMemoryCamera([scene(i, 64, 48) for i in range(5)]))
    assert [result.number for result in sink.results] == [0, 1, 2, 3, 4]
    assert sink.snapshots[-1].frames == 5
    assert sink.results[0].answer.probabilities == pytest.approx(
        classifier.classify(scene(0, 64, 48)).probabilities, abs=0
    )


def test_it_stops_after_the_limit_and_closes_the_source(classifier: Classifier) -> None:
    camera = InMemoryCamera([scene(0, 64, 48)] * 5)
    health = Health()
    results = classify_frames(classifier, camera, Decider(classifier.labels), health)
    show(results, Listener(), health, 3)
    results.close()
    assert health.snapshot().frames == 3
    assert camera.closed


def test_faults_are_counted_and_a_new_kind_reaches_the_sink_at_once(classifier: Classifier) -> None:
    script: list[Step] = [scene(0, 64, 48), Corrupt(), Corrupt(), scene(1, 64, 48)]
    sink = listen(classifier, InMemoryCamera(script))
    assert sink.snapshots[-1].faults == {"corrupt": 2}
    # One at the start, one on the fault: the second of the same kind and the last frame come within the same second.
    assert [snapshot.faults.get("corrupt", 0) for snapshot in sink.snapshots[:-1]] == [0, 1]


class Ticking:
    """A source that has nothing for a while."""

    live = moving = True

    def frames(self) -> Iterator[Frame | Fault | None]:
        for _ in range(3):
            yield None
        yield Frame(scene(0, 64, 48), "memory")

    def close(self) -> None: ...


def test_health_is_told_while_no_frame_comes(classifier: Classifier) -> None:
    sink = listen(classifier, Ticking(), health_seconds=0.0)
    assert [snapshot.state for snapshot in sink.snapshots[:3]] == ["starting"] * 3
    assert sink.snapshots[3].state == "running"


def test_a_recovery_shows_in_the_health(classifier: Classifier) -> None:
    script: list[Step] = [scene(i, 64, 48) for i in range(20)]
    script.insert(5, Unplug())
    camera, health, sink = InMemoryCamera(script, 0.01), Health(), Listener()
    source = LiveSource(camera.open, "the camera", health, FaultLimits())
    show(classify_frames(classifier, source, Decider(classifier.labels), health), sink, health)
    snapshot = health.snapshot()
    assert (snapshot.faults, snapshot.recoveries, snapshot.state) == ({"lost": 1}, 1, "running")
    assert "unplugged" in snapshot.message
    assert snapshot.frames + snapshot.dropped == 20


class Played:
    """A source of frames that were captured before."""

    live = moving = True

    def __init__(self, frames: list[Frame]) -> None:
        self._frames = frames

    def frames(self) -> Iterator[Frame]:
        return iter(self._frames)

    def close(self) -> None: ...


def said(sink: Listener) -> list[tuple[str | None, float, str | None, float, bool]]:
    """What was answered and decided, but for when."""
    return [
        (r.answer.label, r.answer.score, r.decision.label, r.decision.score, r.decision.changed) for r in sink.results
    ]


def test_a_wall_clock_that_jumps_a_day_changes_no_answer_age_or_decision(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    class JumpingClock:
        """The wall clock, a day back at every second look."""

        looks = 0

        @classmethod
        def now(cls, zone: object) -> datetime:
            cls.looks += 1
            return datetime.now(UTC) - timedelta(days=cls.looks % 2)

    pictures = [garment(i // 10 % 2 == 0, i, 64, 48) for i in range(60)]
    limits = FaultLimits(stall_after=30, frozen_after=0, max_age=30)

    health = Health()
    monkeypatch.setattr(frame_module, "datetime", JumpingClock)
    sink = listen(classifier, LiveSource(InMemoryCamera(pictures, 0.02).open, "the camera", health, limits))
    monkeypatch.undo()
    assert JumpingClock.looks >= 60
    times = [result.frame.time for result in sink.results]
    assert any(later < earlier for earlier, later in pairwise(times))
    snapshot = sink.snapshots[-1]
    assert (snapshot.faults, snapshot.frames + health.snapshot().dropped) == ({}, 60)
    # Half a day is far from both the ages that there are and the day that the clock jumps.
    assert all(0 <= result.age_ms < 43_200_000 for result in sink.results)
    assert snapshot.last_frame_age_s is not None
    assert snapshot.last_frame_age_s < 43_200
    # The same frames under a clock that goes as the monotonic one does.
    epoch = datetime(2026, 1, 1, tzinfo=UTC)
    frames = [replace(f, time=epoch + timedelta(seconds=f.captured)) for f in (r.frame for r in sink.results)]
    unjumped = listen(classifier, Played(frames))
    assert said(sink) == said(unjumped)
    # A run in which nothing is ever decided would prove nothing.
    assert sum(result.decision.changed for result in sink.results) >= 2


def test_health_counts_what_it_is_told() -> None:
    health = Health()
    assert health.snapshot().state == "starting"
    assert health.snapshot().last_frame_age_s is None
    health.count_fault("lost", "gone")
    health.count_fault("lost", "gone again")
    health.count_dropped(3)
    health.count_recovery()
    health.set_state("waiting")
    health.set_output("mqtt", OutputStatus("failing", "refused"))
    snapshot = health.snapshot()
    assert (snapshot.faults, snapshot.message) == ({"lost": 2}, "gone again")
    assert (snapshot.dropped, snapshot.recoveries, snapshot.state) == (3, 1, "waiting")
    assert snapshot.outputs == {"mqtt": OutputStatus("failing", "refused")}
    assert snapshot.frames_per_second == 0.0
