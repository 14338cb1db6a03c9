"""JSON lines, for programs."""

import json
import os
import sys

from fedge.outputs.base import Output
from fedge.runner.result import Result


class JsonLines(Output):
    """One JSON object per frame, in order, each written whole and at once.

    Args:
        descriptor: an open file descriptor, by default that of standard output; it is not closed.
    """

    name, inline = "json", True

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = sys.stdout.fileno() if descriptor is None else descriptor
        self._torn = False

    def show(self, result: Result) -> None:
        """Writes a line; raises OSError where it cannot, BrokenPipeError where nobody reads."""
        line = json.dumps(result.to_json(), ensure_ascii=False) + "\n"
        # A line that was cut short, by a full disk say, is ended first: it may cost a line, never the next.
        data = memoryview(("\n" + line if self._torn else line).encode())
        while data:
            written = os.write(self._descriptor, data)
            data = data[written:]
            self._torn = bool(data)
