"""Live sources through every fault, with the camera in memory: each is noticed, counted and recovered from."""

from collections.abc import Iterator
from threading import Event
from time import monotonic

import numpy as np
import pytest
from collecting import collect
from pictures_for_tests import scene
from waiting import eventually

from fedge.errors import SourceError
from fedge.options import FaultLimits
from fedge.runner.health import Health
from fedge.sources.backends.in_memory import Corrupt, Freeze, InMemoryCamera, Late, Stall, Step, Unplug
from fedge.sources.base import Fault, Frame, Source
from fedge.sources.live import LiveSource

PICTURES = [scene(number, 64, 48) for number in range(40)]
LIMITS = FaultLimits(stall_after=0.3, frozen_after=0.5, max_age=1.0)


def play(
    script: list[Step], limits: FaultLimits = LIMITS, interval: float = 0.02
) -> tuple[InMemoryCamera, LiveSource, Health]:
    camera, health = InMemoryCamera(script, interval), Health()
    return camera, LiveSource(camera.open, "the camera", health, limits), health


def test_without_faults_the_frames_come_and_the_source_ends() -> None:
    camera, source, health = play(list(PICTURES))
    seen = collect(source, lambda seen: False)
    snapshot = health.snapshot()
    assert len(seen.frames) + snapshot.dropped == len(PICTURES)
    assert seen.kinds == []
    assert np.array_equal(seen.frames[-1].picture, PICTURES[-1])
    assert camera.openings == 1


def test_a_slow_reader_gets_the_newest_frame_and_the_rest_is_counted() -> None:
    _, source, health = play(list(PICTURES), interval=0.0)
    frames = source.frames()
    first = next(item for item in frames if item is not None)
    eventually(lambda: health.snapshot().dropped >= len(PICTURES) - 2)
    last = next(item for item in frames if item is not None)
    source.close()
    assert not np.array_equal(first.picture, last.picture)  # type: ignore[union-attr]
    assert np.array_equal(last.picture, PICTURES[-1])  # type: ignore[union-attr]


def test_a_blocked_read_is_left_behind_and_the_camera_opened_again() -> None:
    camera, source, health = play([*PICTURES[:5], Stall(60), *PICTURES[5:]])
    began = monotonic()
    seen = collect(source, lambda seen: seen.frames_after("stalled") >= 5)
    assert seen.frames_after("stalled") >= 5
    # The read blocks for a minute: whoever waited for it could not be here.
    assert monotonic() - began < 60
    assert camera.openings >= 2
    assert health.snapshot().recoveries >= 1


def test_an_unplugged_camera_is_waited_for() -> None:
    _, source, health = play([*PICTURES[:5], Unplug(openings=3), *PICTURES[5:]])
    seen = collect(source, lambda seen: seen.frames_after("lost") >= 5)
    assert seen.kinds[:4] == ["lost", "absent", "absent", "absent"]
    assert seen.frames_after("lost") >= 5
    assert health.snapshot().recoveries >= 1


def test_while_it_is_away_the_state_is_waiting() -> None:
    _, source, health = play([*PICTURES[:5], Unplug(openings=10**6)])
    collect(source, lambda seen: "absent" in seen.kinds)
    assert health.snapshot().state == "waiting"
    assert health.snapshot().recoveries == 0


def test_a_camera_absent_at_the_start_is_an_error() -> None:
    _, source, _ = play([Unplug(openings=2), *PICTURES])
    with pytest.raises(SourceError):
        collect(source, lambda seen: seen.frames)


def test_a_camera_absent_at_the_start_is_waited_for_if_asked() -> None:
    waiting = FaultLimits(stall_after=0.3, frozen_after=0.5, wait=True)
    _, source, _ = play([Unplug(openings=2), *PICTURES], waiting)
    seen = collect(source, lambda seen: seen.frames)
    assert seen.kinds == ["absent"] * 3
    assert seen.frames


def test_the_same_picture_for_long_is_a_fault_and_gets_no_answer() -> None:
    still = PICTURES[0]
    _, source, health = play([PICTURES[1], Freeze(still, 2.0), *PICTURES[2:]])
    seen = collect(source, lambda seen: seen.frames_after("frozen") >= 3)
    assert seen.kinds[0] == "frozen"
    first = next(i for i, item in enumerate(seen.items) if isinstance(item, Fault))
    answered = [item.picture for item in seen.items[first:] if isinstance(item, Frame)]
    assert answered
    assert not any(np.array_equal(picture, still) for picture in answered)
    assert health.snapshot().dropped > 0
    assert health.snapshot().recoveries >= 1


def test_frozen_pictures_are_allowed_where_the_user_says_so() -> None:
    allowed = FaultLimits(stall_after=5.0, frozen_after=0)
    _, source, _ = play([Freeze(PICTURES[0], 1.5)], allowed)
    assert collect(source, lambda seen: False).kinds == []


def test_a_picture_that_changes_somewhere_is_not_frozen() -> None:
    # The change is in one pixel, in a row that a sample of rows would miss.
    steps: list[Step] = []
    for number in range(60):
        picture = PICTURES[0].copy()
        picture[17, 30] = number
        steps.append(picture)
    _, source, _ = play(steps)
    assert collect(source, lambda seen: False).kinds == []


def test_old_frames_get_no_answer() -> None:
    late: list[Step] = [Late(picture, 5.0) for picture in PICTURES[:5]]
    _, source, health = play([PICTURES[5], *late, PICTURES[6]])
    seen = collect(source, lambda seen: False)
    assert all(frame.captured > monotonic() - 4.0 for frame in seen.frames)
    assert health.snapshot().dropped >= 1
    assert np.array_equal(seen.frames[-1].picture, PICTURES[6])


def test_a_corrupt_frame_is_told_and_the_next_one_comes() -> None:
    camera, source, _ = play([*PICTURES[:3], Corrupt(), *PICTURES[3:]])
    seen = collect(source, lambda seen: seen.frames_after("corrupt") >= 1)
    assert seen.frames_after("corrupt") >= 1
    assert camera.openings == 1


def test_nothing_but_corrupt_frames_is_opened_again() -> None:
    camera, source, _ = play([PICTURES[0], *[Corrupt()] * 60, *PICTURES])
    seen = collect(source, lambda seen: seen.frames_after("stalled") >= 1)
    assert seen.frames_after("stalled") >= 1
    assert camera.openings >= 2


def test_a_picture_of_another_size_in_mid_stream_is_classified_like_any_other() -> None:
    small, large = scene(50, 32, 24), scene(51, 320, 240)
    _, source, _ = play([PICTURES[0], small, large])
    seen = collect(source, lambda seen: False)
    assert seen.kinds == []
    assert seen.frames[-1].picture.shape == (240, 320, 3)


class Hanging:
    """Gives one frame and then hangs, also when it is closed, until it is let go."""

    live = moving = True

    def __init__(self) -> None:
        self.let_go = Event()

    def frames(self) -> Iterator[Frame | Fault | None]:
        yield Frame(PICTURES[0], "hanging")
        self.let_go.wait()

    def close(self) -> None:
        """Does not end what hangs."""


def test_threads_that_hang_are_bounded() -> None:
    opened: list[Hanging] = []

    def opener(seconds: float) -> Source:
        opened.append(Hanging())
        return opened[-1]

    limits = FaultLimits(stall_after=0.3, frozen_after=0)
    source = LiveSource(opener, "the camera", Health(), limits, most_left_behind=2)
    faults = ticks = 0
    for item in source.frames():
        faults += isinstance(item, Fault)
        ticks += faults == 2 and item is None
        # Without the bound the third opening would have come with the first of these.
        if ticks == 5 and not opened[0].let_go.is_set():
            assert len(opened) == 2
            opened[0].let_go.set()
        if len(opened) == 3:
            break
    source.close()
    for hanging in opened:
        hanging.let_go.set()
    assert faults == 2 and ticks >= 5


def test_a_bug_in_a_source_is_a_fault_too() -> None:
    camera, health = InMemoryCamera([*PICTURES[:3], Unplug(), *PICTURES[3:]], 0.02), Health()
    failures = iter([None, ZeroDivisionError("driver"), None])

    def opener(seconds: float) -> Source:
        failure = next(failures, None)
        if failure:
            raise failure
        return camera.open(seconds)

    source = LiveSource(opener, "the camera", health, LIMITS)
    seen = collect(source, lambda seen: seen.frames_after("broken") >= 1)
    assert seen.kinds == ["lost", "broken"]
    assert seen.frames_after("broken") >= 1
