"""Pauses between tries, and time stamps."""

from datetime import UTC, datetime

from fedge.system.timing import RetryPause, stamp


def test_pauses_double_up_to_the_longest_and_begin_anew() -> None:
    pause = RetryPause(0.5, 3.0)
    assert [pause.after_failure() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    pause.reset()
    assert pause.after_failure() == 0.5
    assert [RetryPause(5.0, 1.0).after_failure() for _ in range(2)] == [1.0, 1.0]
    assert RetryPause(0.0, 0.0).after_failure() == 0.0


def test_a_stamp_is_iso_8601_to_the_millisecond() -> None:
    assert stamp(datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=UTC)) == "2026-01-02T03:04:05.678Z"
