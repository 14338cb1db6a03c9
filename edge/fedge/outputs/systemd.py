"""Telling systemd how the service does, over the datagram socket that $NOTIFY_SOCKET names (see sd_notify(3))."""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from fedge.outputs.base import Output
from fedge.runner.health import HealthSnapshot
from fedge.runner.result import Result

# systemd kills the service after one interval without a sign; three are sent in each.
_FEEDS_PER_INTERVAL = 3


class Notify(Output):
    """Says READY and feeds the watchdog on a classified frame or a healthy wait for the source, and on nothing else.

    A healthy wait is news of the health in the state `waiting`; a loop that hangs sends none.

    Args:
        path: the socket's path; one that begins with `@` is abstract.
        interval_s: the watchdog's interval in seconds, None for no watchdog.
        clock: gives seconds that only go forward.
    """

    name, inline = "systemd", True

    def __init__(self, path: str, interval_s: float | None = None, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._path = "\0" + path[1:] if path.startswith("@") else path
        self._pause = interval_s / _FEEDS_PER_INTERVAL if interval_s else None
        self._fed = 0.0
        self._ready = False
        self._status = ""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        # The loop may not wait for a manager that is busy.
        self._socket.setblocking(False)

    def show(self, result: Result) -> None:
        """A frame was classified."""
        self._well()

    def health(self, snapshot: HealthSnapshot) -> None:
        """A retry is healthy; a status line for `systemctl status` when the state or a failing output changes."""
        if snapshot.state == "waiting":
            self._well()
        status = _in_words(snapshot)
        if status != self._status:
            self._status = status
            self._send(f"STATUS={status}")

    def close(self) -> None:
        """Says that it stops."""
        with suppress(OSError):
            self._send("STOPPING=1")
        self._socket.close()

    def _well(self) -> None:
        if not self._ready:
            self._send("READY=1")
            self._ready = True
        if self._pause is not None and self._clock() - self._fed >= self._pause:
            self._send("WATCHDOG=1")
            self._fed = self._clock()

    def _send(self, text: str) -> None:
        self._socket.sendto(text.encode(), self._path)


def _in_words(snapshot: HealthSnapshot) -> str:
    # The last fault is over where frames come again.
    message = snapshot.message if snapshot.state == "waiting" else ""
    failing = "".join(f"; {name} fails ({status.reason})" for name, status in snapshot.failing.items())
    return " ".join(f"{snapshot.state} {message}{failing}".split()).replace(" ;", ";")


def from_environment() -> Notify | None:
    """The manager that started this process, None where there is none."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return None
    ours = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return Notify(path, int(microseconds) / 1e6 if ours and microseconds.isdecimal() else None)
