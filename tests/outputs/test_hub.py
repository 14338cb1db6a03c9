"""The hub: no output holds up the loop or another; a failing one degrades alone and recovers."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from io import FileIO, TextIOWrapper
from threading import Event, current_thread, main_thread

import numpy as np
import pytest
from results import result, snapshot
from waiting import eventually, once_main_thread_is_in

from fedge.outputs.base import NeverTaken, Output
from fedge.outputs.delivery.hub import Hub
from fedge.outputs.screen.faults import Faults
from fedge.runner.health import Health, HealthSnapshot, OutputStatus
from fedge.runner.result import Result


class Recording(Output):
    """Keeps what it takes; fails while `broken`, blocks while `open` is not set."""

    def __init__(self, name: str = "recording", backlog: int = 1000) -> None:
        self.name, self.backlog, self.longest_pause_s = name, backlog, 0.02
        self.open, self.broken, self.calls = Event(), False, 0
        self.open.set()
        self.taken: list[Result] = []
        self.snapshots: list[HealthSnapshot] = []
        self.closed = 0

    def show(self, result: Result) -> None:
        self.calls += 1
        self.open.wait()
        if self.broken:
            raise OSError("no space\nleft")
        self.taken.append(result)

    def health(self, snapshot: HealthSnapshot) -> None:
        self.snapshots.append(snapshot)

    def close(self) -> None:
        self.closed += 1

    @property
    def numbers(self) -> list[int]:
        return [taken.number for taken in self.taken]


class Inline(Recording):
    inline = True


def test_every_output_gets_every_result_in_order() -> None:
    outputs = [Recording("a"), Recording("b"), Inline("c")]
    hub = Hub(outputs, Health())
    for number in range(100):
        hub.show(result(number))
    hub.close()
    assert [output.numbers for output in outputs] == [list(range(100))] * 3
    assert [output.closed for output in outputs] == [1, 1, 1]


def test_a_blocked_output_neither_holds_up_the_loop_nor_another() -> None:
    blocked, other = Recording("blocked", backlog=10), Recording("other")
    blocked.open.clear()
    hub = Hub([blocked, other], Health())
    # Were `show` to wait for the blocked output, this would never end.
    for number in range(100):
        hub.show(result(number))
    eventually(lambda: len(other.taken) == 100)
    assert blocked.taken == []
    blocked.open.set()
    hub.close()


def held_up(output: Recording, health: Health) -> Hub:
    """A hub whose one output is at its first result while thirty more were shown."""
    output.open.clear()
    hub = Hub([output], health)
    hub.show(result(0))
    eventually(lambda: output.calls == 1)
    for number in range(1, 31):
        hub.show(result(number))
    return hub


def test_a_full_queue_drops_the_oldest_and_counts_them() -> None:
    output, health = Recording(backlog=10), Health()
    hub = held_up(output, health)
    assert health.snapshot().outputs == {"recording": OutputStatus("ok", dropped=20)}
    output.open.set()
    eventually(lambda: len(output.taken) == 11)
    assert output.numbers == [0, *range(21, 31)]
    hub.close()


def test_an_output_with_room_for_one_only_gets_the_newest_and_counts_no_loss() -> None:
    output, health = Recording(backlog=1), Health()
    hub = held_up(output, health)
    output.open.set()
    eventually(lambda: len(output.taken) == 2)
    hub.close()
    assert output.numbers == [0, 30]
    assert health.snapshot().outputs == {"recording": OutputStatus("ok")}


def test_where_frames_do_not_come_by_themselves_a_full_queue_waits() -> None:
    output, health = Recording(backlog=3), Health()
    hub = Hub([output], health, live=False)
    for number in range(200):
        hub.show(result(number))
    hub.close()
    assert output.numbers == list(range(200))
    assert health.snapshot().outputs == {"recording": OutputStatus("ok")}


def test_a_failing_output_drops_even_where_a_working_one_would_wait(capsys: pytest.CaptureFixture[str]) -> None:
    output, health = Recording(backlog=3), Health()
    output.broken = True
    hub = Hub([output], health, live=False, stuck_seconds=0.2)
    for number in range(50):
        hub.show(result(number))
    hub.close()
    assert output.taken == []
    assert output.closed == 1
    assert health.snapshot().outputs == {"recording": OutputStatus("failing", "no space left", 50)}
    assert capsys.readouterr().err.splitlines()[1:] == ["fedge: the output recording ends, 50 results dropped"]


def test_the_end_of_a_file_source_repeats_what_failed_just_then() -> None:
    class FailsOnce(Recording):
        def show(self, result: Result) -> None:
            self.broken = self.calls == 5
            super().show(result)

    output = FailsOnce()
    output.open.clear()
    hub = Hub([output], Health(), live=False)
    for number in range(10):
        hub.show(result(number))
    with once_main_thread_is_in("finish", output.open.set):
        hub.close()
    assert output.calls == 11
    assert output.numbers == list(range(10))


def test_an_output_that_hangs_does_not_hold_up_the_end_of_a_file_source(capsys: pytest.CaptureFixture[str]) -> None:
    hanging, other = Recording("hanging"), Recording("other")
    hanging.open.clear()
    hub = Hub([hanging, other], Health(), live=False, stuck_seconds=0.2)
    for number in range(7):
        hub.show(result(number))
    hub.close()
    assert other.numbers == list(range(7))
    assert capsys.readouterr().err.splitlines() == ["fedge: the output hanging ends, 7 results dropped"]
    hanging.open.set()


def test_a_signal_ends_a_file_source_without_waiting_for_what_is_queued(capsys: pytest.CaptureFixture[str]) -> None:
    output = Recording()
    output.open.clear()
    # Were the end to wait as it does without a signal, this would never return.
    hub = Hub([output], Health(), live=False, close_seconds=0, stuck_seconds=1e9)
    for number in range(100):
        hub.show(result(number))
    with suppress(KeyboardInterrupt):
        try:
            raise KeyboardInterrupt
        finally:
            hub.close()
    assert capsys.readouterr().err == "fedge: the output recording ends, 100 results dropped\n"
    output.open.set()


def ctrl_c() -> None:
    signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)


def test_a_signal_ends_the_wait_for_what_is_queued_and_what_is_lost_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hanging = Recording("hanging")
    hanging.open.clear()
    hub = Hub([hanging], Health(), live=False, stuck_seconds=1e9)
    hub.show(result(0))
    with once_main_thread_is_in("finish", ctrl_c), pytest.raises(KeyboardInterrupt):
        hub.close()
    hanging.open.set()
    assert capsys.readouterr().err.splitlines() == ["fedge: the output hanging ends, 1 result dropped"]


@contextmanager
def full_standard_error() -> Iterator[None]:
    # Without a buffer, which would be written at the end, and fail there.
    with TextIOWrapper(FileIO("/dev/full", "w"), write_through=True) as full, redirect_stderr(full):
        yield


def test_a_standard_error_that_takes_nothing_stops_neither_the_loop_nor_an_output() -> None:
    failing, inline, health = Recording("failing", backlog=3), Inline("inline"), Health()
    failing.broken = inline.broken = True
    with full_standard_error():
        hub = Hub([Faults(), failing, inline], health, live=False)
        hub.health(snapshot("waiting", "gone"))
        assert health.snapshot().outputs["faults"] == OutputStatus("ok")
        # Were the failing output's thread to end, this would wait for it for ever.
        for number in range(10):
            hub.show(result(number))
        failing.broken = inline.broken = False
        hub.show(result(10))
        hub.close()
    assert failing.numbers[-1] == inline.numbers[-1] == 10


def test_a_standard_error_that_is_closed_is_not_replaced_by_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr", None)
    Faults().health(snapshot("waiting", "gone"))
    assert capsys.readouterr().out == ""


def test_a_result_that_an_output_never_takes_is_said_once_and_does_not_block_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Picky(Recording):
        def show(self, result: Result) -> None:
            if result.number % 2:
                raise NeverTaken("it is odd", "give another")
            super().show(result)

    output, health = Picky(), Health()
    hub = Hub([output], health)
    for number in range(10):
        hub.show(result(number))
    eventually(lambda: health.snapshot().outputs["recording"] == OutputStatus("ok", dropped=5))
    hub.close()
    assert output.numbers == [0, 2, 4, 6, 8]
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "fedge: the output recording leaves results out (it is odd); the rest goes on",
        "fedge: the output recording ends, 5 results dropped",
    ]


def test_a_failing_output_degrades_alone_is_said_once_and_recovers(capsys: pytest.CaptureFixture[str]) -> None:
    failing, other, health = Recording("failing"), Recording("other"), Health()
    failing.broken = True
    hub = Hub([failing, other], health)
    for number in range(20):
        hub.show(result(number))
    eventually(lambda: failing.calls >= 3 and len(other.taken) == 20)
    assert health.snapshot().outputs == {
        "failing": OutputStatus("failing", "no space left"),
        "other": OutputStatus("ok"),
    }
    assert capsys.readouterr().err.splitlines() == ["fedge: the output failing fails (no space left); the rest goes on"]
    failing.broken = False
    eventually(lambda: len(failing.taken) == 20)
    assert failing.numbers == list(range(20))
    eventually(lambda: health.snapshot().outputs["failing"] == OutputStatus("ok"))
    assert capsys.readouterr().err.splitlines() == ["fedge: the output failing works again, 0 results dropped"]
    hub.close()


def test_an_inline_output_fails_alone_too_but_a_closed_pipe_ends_the_run() -> None:
    inline, other, health = Inline("inline"), Recording("other"), Health()
    hub = Hub([inline, other], health)
    inline.broken = True
    hub.show(result(0))
    assert health.snapshot().outputs["inline"] == OutputStatus("failing", "no space left", 1)
    inline.broken = False
    hub.show(result(1))
    assert inline.numbers == [1]
    assert health.snapshot().outputs["inline"] == OutputStatus("ok", dropped=1)

    def closed_pipe(result: Result) -> None:
        raise BrokenPipeError

    inline.show = closed_pipe  # type: ignore[method-assign]
    with pytest.raises(BrokenPipeError):
        hub.show(result(2))
    hub.close()
    assert other.numbers == [0, 1]


@pytest.mark.parametrize("inline", [False, True])
def test_an_output_is_idle_until_it_has_taken_something(inline: bool) -> None:
    class Heedless(Output):
        name = "heedless"

    health, heedless, listening = Health(), Heedless(), Recording("listening")
    heedless.inline = listening.inline = inline
    hub = Hub([heedless, listening], health)
    assert health.snapshot().outputs == {"heedless": OutputStatus("idle"), "listening": OutputStatus("idle")}
    hub.health(snapshot())
    eventually(lambda: health.snapshot().outputs == {"heedless": OutputStatus("idle"), "listening": OutputStatus("ok")})
    hub.show(result(0))
    eventually(lambda: health.snapshot().outputs == {"heedless": OutputStatus("ok"), "listening": OutputStatus("ok")})
    hub.close()


def test_inline_outputs_are_called_in_the_loops_thread_and_the_others_are_not() -> None:
    threads = {}

    class Where(Recording):
        def show(self, result: Result) -> None:
            threads[self.name] = current_thread()

    outputs = [Where("worker"), Where("inline")]
    outputs[1].inline = True
    hub = Hub(outputs, Health())
    hub.show(result(0))
    hub.close()
    assert threads["inline"] is main_thread()
    assert threads["worker"] is not main_thread()


def test_queues_hold_pictures_only_for_those_who_want_them() -> None:
    without, having = Recording("without"), Recording("having")
    having.wants_pictures = True
    hub = Hub([without, having], Health())
    image = np.zeros((28, 28, 1), np.uint8)
    hub.show(result(0, image=image))
    hub.close()
    assert without.taken[0].frame.picture.size == 0
    assert without.taken[0].answer.image is None
    assert having.taken[0].frame.picture.shape == (48, 64, 3)
    assert having.taken[0].answer.image is image


def test_the_health_reaches_outputs_that_get_no_results() -> None:
    output = Recording()
    hub = Hub([output], Health())
    hub.health(snapshot("waiting", "gone"))
    eventually(lambda: output.snapshots)
    hub.close()
    assert output.snapshots[0].state == "waiting"


def test_an_output_that_hangs_is_left_behind_when_the_hub_closes() -> None:
    hanging, other = Recording("hanging"), Recording("other")
    hanging.open.clear()
    hub = Hub([hanging, other], Health())
    hub.show(result(0))
    # Were the end to wait for the hanging output, this would never return.
    hub.close()
    assert other.numbers == [0]
    assert other.closed == 1
    assert hanging.closed == 0
    hanging.open.set()
