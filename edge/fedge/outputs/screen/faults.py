"""Faults and recoveries, for people and logs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TextIO

from fedge.outputs.base import Output
from fedge.runner.health import HealthSnapshot
from fedge.system.console import echo, printable
from fedge.system.timing import RetryPause

# A log on an SD card may not get a line every second for as long as a camera is away.
PAUSES_SECONDS = (60.0, 3600.0)


@dataclass
class _Kind:
    pause: RetryPause = field(default_factory=lambda: RetryPause(*PAUSES_SECONDS))
    count: int = 0
    told: int = 0
    seen_at: float = 0.0
    due: float = 0.0


class Faults(Output):
    """A line on standard error for each new fault, and when it is over.

    A kind of fault that goes on is told again after a minute, then two, four, up to an hour, with how many there were;
    after a minute without any it is news again.

    Args:
        stream: instead of standard error.
        clock: gives seconds that only go forward.
    """

    name, inline = "faults", True

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._kinds: dict[str, _Kind] = {}
        self._recoveries = 0
        self._is_told = False
        self._away: set[str] = set()

    def health(self, snapshot: HealthSnapshot) -> None:
        """Says what is new."""
        now = self._clock()
        news = [self._news(kind, total, now) for kind, total in snapshot.faults.items()]
        if told := [more for more in news if more is not None]:
            self._is_told = True
            echo(printable(snapshot.message) + max(told, key=len), self._stream)
        if back := [name for name, state in snapshot.cameras.items() if state == "running" and name in self._away]:
            echo(f"{', '.join(back)}: frames come again", self._stream)
        if snapshot.recoveries != self._recoveries and self._is_told:
            self._is_told = False
            if not snapshot.cameras:
                echo("frames come again", self._stream)
        self._recoveries = snapshot.recoveries
        self._away = {name for name, state in snapshot.cameras.items() if state == "waiting"}

    def _news(self, name: str, total: int, now: float) -> str | None:
        """What to say behind the message where there are so many of this kind now; None: nothing is to be said."""
        kind = self._kinds.setdefault(name, _Kind())
        if total == kind.count:
            return None
        is_new = not kind.count or now - kind.seen_at > PAUSES_SECONDS[0]
        kind.count, kind.seen_at = total, now
        if is_new:
            kind.pause.reset()
        elif now < kind.due:
            return None
        more, kind.told = total - kind.told, total
        kind.due = now + kind.pause.after_failure()
        return "" if is_new else f" ({more:,} more times)"
