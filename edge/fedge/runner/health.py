"""How the runner is doing: counts that any thread may add to, and snapshots of them for outputs."""

from collections import Counter, deque
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Literal

State = Literal["starting", "running", "waiting", "stopped"]

_RATE_SECONDS = 5.0


@dataclass(frozen=True)
class HealthSnapshot:
    """The runner's health at one moment.

    Attributes:
        state: `starting` before the first frame, `running`, `waiting` for the source to come back, or `stopped`.
        frames: frames answered.
        dropped: frames not answered: a newer one was there, or they were too old to be given as fresh.
        frames_per_second: frames answered a second, over the last seconds.
        faults: how many of each kind there were.
        recoveries: how often frames came again after a fault.
        last_frame_age_s: seconds since the newest answered frame was captured; None before the first.
        message: the last fault in words; empty if there was none.
        outputs: each output's name, with `ok`, `idle` before it had anything to do, or what is wrong with it.
        uptime_s: seconds since the start.
    """

    state: State
    frames: int
    dropped: int
    frames_per_second: float
    faults: dict[str, int]
    recoveries: int
    last_frame_age_s: float | None
    message: str
    outputs: dict[str, str]
    uptime_s: float


class Health:
    """Counts frames, drops, faults and recoveries; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._started = monotonic()
        self._state: State = "starting"
        self._frames = self._dropped = self._recoveries = 0
        self._faults: Counter[str] = Counter()
        self._message = ""
        self._outputs: dict[str, str] = {}
        self._captured: float | None = None
        self._answered: deque[float] = deque(maxlen=1000)

    def count_frame(self, captured: float) -> None:
        """One more frame was answered, captured at `captured` seconds on the monotonic clock."""
        with self._lock:
            self._state = "running"
            self._frames += 1
            self._captured = captured
            self._answered.append(monotonic())

    def count_dropped(self, count: int = 1) -> None:
        """`count` more frames were not answered."""
        with self._lock:
            self._dropped += count

    def count_fault(self, kind: str, message: str) -> None:
        """A fault of a `kind` (one word) began; the `message` says what is wrong."""
        with self._lock:
            self._faults[kind] += 1
            self._message = message

    def count_recovery(self) -> None:
        """Frames came again after a fault."""
        with self._lock:
            self._recoveries += 1

    def set_state(self, state: State) -> None:
        """Says what the runner is doing."""
        with self._lock:
            self._state = state

    def set_output(self, name: str, text: str) -> None:
        """Says how an output is doing: `ok`, `idle`, or what is wrong with it."""
        with self._lock:
            self._outputs[name] = text

    def snapshot(self) -> HealthSnapshot:
        """The health at this moment."""
        with self._lock:
            now = monotonic()
            return HealthSnapshot(
                state=self._state,
                frames=self._frames,
                dropped=self._dropped,
                frames_per_second=self._rate(now),
                faults=dict(self._faults),
                recoveries=self._recoveries,
                last_frame_age_s=None if self._captured is None else now - self._captured,
                message=self._message,
                outputs=dict(self._outputs),
                uptime_s=now - self._started,
            )

    def _rate(self, now: float) -> float:
        while self._answered and self._answered[0] < now - _RATE_SECONDS:
            self._answered.popleft()
        return (len(self._answered) - 1) / (now - self._answered[0]) if len(self._answered) > 1 else 0.0
