"""Faults and recoveries, for people and logs."""

from typing import TextIO

from fedge.outputs.base import Output
from fedge.runner.health import HealthSnapshot
from fedge.system.console import echo, printable


class Faults(Output):
    """A line on standard error for each new fault, and when it is over."""

    name, inline = "faults", True

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._faults: dict[str, int] = {}
        self._recoveries = 0

    def health(self, snapshot: HealthSnapshot) -> None:
        """Says what is new."""
        if snapshot.faults != self._faults:
            echo(printable(snapshot.message), self._stream)
        if snapshot.recoveries != self._recoveries:
            echo("frames come again", self._stream)
        self._faults, self._recoveries = snapshot.faults, snapshot.recoveries
