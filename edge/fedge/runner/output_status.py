"""How an output is doing, said once per change."""

from dataclasses import replace
from threading import Lock

from fedge.errors import FedgeError
from fedge.runner.health import Health, OutputState, OutputStatus, dropped_results
from fedge.system.console import echo


class Standing:
    """Tells the health, and once per failure standard error, how an output is doing; safe to use from any thread.

    It is `idle` until it has had something to do: before that nobody knows whether it works.
    """

    def __init__(self, name: str, health: Health) -> None:
        self._name, self._health = name, health
        self._lock = Lock()
        self._status = OutputStatus("idle")
        self._has_refused = False
        self._set(self._status)

    def fail(self, error: Exception) -> None:
        """The output raised."""
        reason = _in_one_line(error)
        with self._lock:
            if not self._status.failing:
                echo(f"the output {self._name} fails ({reason}); the rest goes on")
            self._set(replace(self._status, state="failing", reason=reason))

    def succeed(self) -> None:
        """The output took what it was given."""
        with self._lock:
            if self._status.state == "ok":
                return
            if self._status.failing:
                echo(f"the output {self._name} works again, {dropped_results(self._status.dropped)}")
            self._set(replace(self._status, state="ok", reason=""))

    def count_dropped(self, count: int = 1) -> None:
        """Results were lost to this output."""
        with self._lock:
            state: OutputState = "ok" if self._status.state == "idle" else self._status.state
            self._set(replace(self._status, state=state, dropped=self._status.dropped + count))

    def refuse(self, error: Exception, results: int = 1) -> None:
        """The output cannot take these results, though it takes others; the first time that is said."""
        with self._lock:
            if not self._has_refused:
                echo(f"the output {self._name} leaves results out ({_in_one_line(error)}); the rest goes on")
            self._has_refused = True
        self.count_dropped(results)

    def end(self, left: int = 0) -> None:
        """The run is over and `left` results still waited; says how many were lost in all."""
        if left:
            self.count_dropped(left)
        if self._status.dropped:
            echo(f"the output {self._name} ends, {dropped_results(self._status.dropped)}")

    def _set(self, status: OutputStatus) -> None:
        self._status = status
        self._health.set_output(self._name, status)


def _in_one_line(error: Exception) -> str:
    text = error.what if isinstance(error, FedgeError) else str(error)
    return " ".join(text.split()) or type(error).__name__
