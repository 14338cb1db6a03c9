"""Pauses between tries, and time stamps."""

from datetime import datetime


class RetryPause:
    """Pauses between tries of what keeps failing: each twice as long as the one before.

    Args:
        first, longest: of a pause, in seconds.
    """

    def __init__(self, first: float, longest: float) -> None:
        self._first, self._longest = first, longest
        self._next = first

    def after_failure(self) -> float:
        """How many seconds to wait until the next try."""
        pause = min(self._next, self._longest)
        self._next = 2 * pause
        return pause

    def reset(self) -> None:
        """What failed works again: the next pause is the first one."""
        self._next = self._first


def stamp(time: datetime) -> str:
    """A time in UTC as ISO 8601 to the millisecond, with a Z."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
