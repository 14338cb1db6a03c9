"""Showing answers to people: a line that renews itself, or a line per picture."""

import shutil
import sys
from pathlib import Path
from typing import TextIO

from fedge.health import HealthSnapshot
from fedge.outputs.output import Output
from fedge.runner import Result


def terminal(live: bool, stream: TextIO | None = None) -> Output:
    """For a live source in a terminal one line that renews itself; else a line per picture. On standard output."""
    stream = stream or sys.stdout
    return LiveLine(stream) if live and stream.isatty() else Lines(stream)


def describe(result: Result) -> str:
    """An answer in words: the label, its score, and what came next."""
    answer = result.answer
    name = answer.label if answer.label is not None else f"unknown (best guess {answer.top[0][0]})"
    others = ", ".join(f"{label} {score:.0%}" for label, score in answer.top[1:])
    return printable(f"{name} {answer.score:.0%}  ({others})")


def printable(text: str) -> str:
    """The text without control characters: labels come from model files, and a terminal obeys what it is sent."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


class Lines(Output):
    """A line per answer."""

    name, inline = "terminal", True

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, result: Result) -> None:
        """Writes a line, at once."""
        self._stream.write(f"{printable(Path(result.frame.source).name)}: {describe(result)}\n")
        self._stream.flush()


class LiveLine(Output):
    """A line that renews itself: the answer, frames a second, the answer's age, and what is wrong."""

    name, inline = "terminal", True

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._rate = ""
        self._shown = False

    def show(self, result: Result) -> None:
        """Shows an answer."""
        self._write(f"{describe(result)}  {self._rate}{result.age_ms:.0f} ms old")

    def health(self, snapshot: HealthSnapshot) -> None:
        """Takes the rate; while there are no frames the line says why."""
        self._rate = f"{snapshot.frames_per_second:.1f} frames/s, "
        if snapshot.state == "waiting":
            self._write(printable(f"waiting: {snapshot.message}"))

    def close(self) -> None:
        """Leaves the last line standing."""
        if self._shown:
            self._stream.write("\n")
            self._stream.flush()

    def _write(self, text: str) -> None:
        self._shown = True
        width = shutil.get_terminal_size().columns - 1
        self._stream.write(f"\r{text[:width]:<{width}}")
        self._stream.flush()
