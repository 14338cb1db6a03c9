"""How an output is doing, said once per change."""

from threading import Lock

from fedge.errors import FedgeError
from fedge.runner.health import Health
from fedge.system.console import echo


class Standing:
    """Tells the health, and once per failure standard error, how an output is doing; safe to use from any thread.

    It is `idle` until it has had something to do: before that nobody knows whether it works.
    """

    def __init__(self, name: str, health: Health) -> None:
        self._name, self._health = name, health
        self._lock = Lock()
        self._problem: str | None = None
        self._used = self._has_refused = False
        self._dropped = 0
        self._tell()

    def fail(self, error: Exception) -> None:
        """The output raised."""
        problem = _in_one_line(error)
        with self._lock:
            if self._problem is None:
                echo(f"the output {self._name} fails ({problem}); the rest goes on")
            changed, self._problem = problem != self._problem, problem
            if changed:
                self._tell()

    def succeed(self) -> None:
        """The output took what it was given."""
        with self._lock:
            if self._problem is not None:
                echo(f"the output {self._name} works again, {self._losses()}")
            if self._problem is not None or not self._used:
                self._problem, self._used = None, True
                self._tell()

    def count_dropped(self) -> None:
        """A result was lost to this output."""
        with self._lock:
            self._dropped += 1
            self._used = True
            self._tell()

    def refuse(self, error: Exception) -> None:
        """The output will never take this result, though it takes others."""
        with self._lock:
            if not self._has_refused:
                echo(f"the output {self._name} leaves results out ({_in_one_line(error)}); the rest goes on")
            self._has_refused = True
        self.count_dropped()

    def end(self, left: int) -> None:
        """The run is over, and so many results never got out."""
        with self._lock:
            self._dropped += left
            echo(f"the output {self._name} ends, {self._losses()}")
            self._tell()

    def _tell(self) -> None:
        working = "ok" if self._used else "idle"
        text = working if self._problem is None else f"failing: {self._problem}"
        self._health.set_output(self._name, f"{text}, {self._losses()}" if self._dropped else text)

    def _losses(self) -> str:
        return f"{self._dropped} results dropped"


def _in_one_line(error: Exception) -> str:
    text = error.what if isinstance(error, FedgeError) else str(error)
    return " ".join(text.split()) or type(error).__name__
