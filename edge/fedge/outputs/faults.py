"""Faults and recoveries, for people and logs."""

import sys
from typing import TextIO

from fedge.health import HealthSnapshot
from fedge.outputs.output import Output
from fedge.printable import printable


class Faults(Output):
    """A line on standard error for each new fault, and when it is over."""

    name, inline = "faults", True

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._faults: dict[str, int] = {}
        self._recoveries = 0

    def health(self, snapshot: HealthSnapshot) -> None:
        """Says what is new."""
        if snapshot.faults != self._faults:
            print(f"fedge: {printable(snapshot.message)}", file=self._stream, flush=True)
        if snapshot.recoveries != self._recoveries:
            print("fedge: frames come again", file=self._stream, flush=True)
        self._faults, self._recoveries = snapshot.faults, snapshot.recoveries
