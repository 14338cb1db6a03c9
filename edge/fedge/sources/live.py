"""A live source that does not end on a fault: it is watched, left behind when it hangs, and opened again."""

from collections.abc import Generator, Iterator
from time import monotonic, sleep

import numpy as np

from fedge.errors import SourceError
from fedge.options import FaultLimits
from fedge.sources.base import OPEN_SECONDS, Fault, Frame, Monitor
from fedge.sources.live_reader import Opener, Reader
from fedge.system.timing import RetryPause

_TICK_SECONDS = 0.5
_PAUSE_SECONDS = (0.1, 2.0)
# An opening may take the time that the last one took and a little more, so that a hanging attempt is given up soon.
_LEAST_OPEN_SECONDS, _SLACK_SECONDS = 2.0, 1.0
# Threads that hang in a driver cannot be ended; each holds memory and a descriptor until the driver lets go.
_MOST_LEFT_BEHIND = 16
_SAMPLED_ROWS = 16


class LiveSource:
    """The newest frame of a camera or stream, through every fault.

    Args:
        opener: opens the camera or stream.
        name: for people.
        monitor: is told of drops, recoveries and the state; faults are yielded.
        limits: when it counts as faulty.
        most_left_behind: how many openings may hang; with so many, it is opened again only once one has ended.
    """

    live = True
    moving = True

    def __init__(
        self,
        opener: Opener,
        name: str,
        monitor: Monitor,
        limits: FaultLimits,
        most_left_behind: int = _MOST_LEFT_BEHIND,
    ) -> None:
        self._opener, self._name, self._monitor, self._limits = opener, name, monitor, limits
        self._open_seconds, self._most_left_behind = OPEN_SECONDS, most_left_behind
        self._reader: Reader | None = None
        self._left_behind: list[Reader] = []
        self._closed = False
        self._came, self._faulty, self._frozen = False, False, False
        self._still: Frame | None = None

    def frames(self) -> Iterator[Frame | Fault | None]:
        """The newest frame each time one is asked for, none twice, none too old; faults; None about twice a second.

        Raises SourceError where the source is absent at the start and the limits do not say to wait for it.
        """
        pause = RetryPause(*_PAUSE_SECONDS)
        while not self._closed:
            started = monotonic()
            self._reader = Reader(self._opener, self._open_seconds, self._monitor.count_dropped)
            fault = yield from self._watch(self._reader)
            error = self._reader.error
            self._leave(self._reader)
            if fault is None:
                return
            if not self._came and not self._limits.wait:
                raise error if isinstance(error, SourceError) else SourceError(fault.message, "check the camera")
            self._faulty = True
            self._monitor.set_state("waiting")
            yield fault
            if monotonic() - started > max(_PAUSE_SECONDS):
                pause.reset()
            # An attempt that hung has already waited.
            yield from self._pause(started + pause.after_failure())
            yield from self._make_room()

    def close(self) -> None:
        """Lets go of the device or connection; what hangs in a read ends when it can."""
        self._closed = True
        if self._reader:
            self._reader.abandon()

    def _watch(self, reader: Reader) -> Generator[Frame | Fault | None, None, Fault | None]:
        started = monotonic()
        fresh, last_fault = False, ""
        deadline = started + self._open_seconds
        while not self._closed:
            item = reader.take(max(0.0, min(_TICK_SECONDS, deadline - monotonic())))
            now = monotonic()
            if isinstance(item, Frame) and now - item.captured <= self._limits.max_age:
                if not fresh:
                    fresh, last_fault, self._came = True, "", True
                    self._open_seconds = min(OPEN_SECONDS, max(_LEAST_OPEN_SECONDS, now - started + _SLACK_SECONDS))
                deadline = now + self._limits.stall_after
                if self._is_usable(item):
                    yield item
                elif now - started >= self._limits.frozen_after:
                    return Fault("frozen", f"{self._name} gives the same picture again and again")
            elif isinstance(item, Frame):
                self._monitor.count_dropped()
            elif item is None and reader.ended:
                return reader.fault()
            elif now >= deadline:
                seconds = self._limits.stall_after if fresh else self._open_seconds
                return Fault("stalled", last_fault or f"{self._name} gave no frame for {seconds:.1f} s")
            else:
                last_fault = item.message if item else last_fault
                yield item
        return None

    def _is_usable(self, frame: Frame) -> bool:
        if self._still is None or not _same(self._still, frame):
            self._still, self._frozen = frame, False
        elif self._limits.frozen_after and frame.captured - self._still.captured >= self._limits.frozen_after:
            self._frozen = True
        if self._frozen:
            self._monitor.count_dropped()
        elif self._faulty:
            self._faulty = False
            self._monitor.count_recovery()
        return not self._frozen

    def _leave(self, reader: Reader) -> None:
        reader.abandon()
        self._left_behind = [left for left in (*self._left_behind, reader) if left.alive]

    def _make_room(self) -> Iterator[None]:
        while len(self._left_behind) >= self._most_left_behind and not self._closed:
            yield from self._pause(monotonic() + _TICK_SECONDS)
            self._left_behind = [left for left in self._left_behind if left.alive]

    def _pause(self, until: float) -> Iterator[None]:
        while (left := until - monotonic()) > 0 and not self._closed:
            yield None
            sleep(min(left, _TICK_SECONDS))


def _same(one: Frame, other: Frame) -> bool:
    if one.picture.shape != other.picture.shape:
        return False
    # A camera's noise shows in a few rows already; comparing all of each frame would cost more than classifying it.
    few = slice(None, None, _SAMPLED_ROWS)
    return np.array_equal(one.picture[few], other.picture[few]) and np.array_equal(one.picture, other.picture)
