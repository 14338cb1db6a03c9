"""Showing answers: JSON lines, a live line in a terminal, or a line per picture."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from fedge.runner import Result

Output = Callable[[Result], None]


def json_lines(result: Result) -> None:
    """One JSON object per frame on standard output, at once."""
    print(json.dumps(result.to_json(), ensure_ascii=False), flush=True)


def people(live: bool, stream: TextIO = sys.stdout) -> Output:
    """For a live source in a terminal one line that renews itself; else a line per picture."""
    return LiveLine(stream) if live and stream.isatty() else _line


def describe(result: Result) -> str:
    """An answer in words: the label, its score, and what came next."""
    answer = result.answer
    name = answer.label if answer.label is not None else f"unknown (best guess {answer.top[0][0]})"
    others = ", ".join(f"{label} {score:.0%}" for label, score in answer.top[1:])
    return f"{name} {answer.score:.0%}  ({others})"


class LiveLine:
    """A line that renews itself: the answer, frames a second, and the answer's age."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last: float | None = None
        self._rate = 0.0

    def __call__(self, result: Result) -> None:
        """Shows an answer."""
        now = result.frame.captured
        if self._last is not None and now > self._last:
            # A running mean over about ten frames: steady enough to read.
            self._rate += 0.1 * (1 / (now - self._last) - self._rate) if self._rate else 1 / (now - self._last)
        self._last = now
        text = f"{describe(result)}  {self._rate:.1f} frames/s, {result.age_ms:.0f} ms old"
        width = shutil.get_terminal_size().columns - 1
        self._stream.write(f"\r{text[:width]:<{width}}")
        self._stream.flush()


def _line(result: Result) -> None:
    print(f"{Path(result.frame.source).name}: {describe(result)}", flush=True)
