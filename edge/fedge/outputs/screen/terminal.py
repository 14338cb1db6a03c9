"""Showing answers to people: a line that renews itself, or a line per picture."""

import shutil
import sys
from io import TextIOWrapper
from pathlib import Path
from time import monotonic
from typing import TextIO

from fedge.errors import OutputError
from fedge.images.picture import Picture
from fedge.outputs.base import Output
from fedge.outputs.screen.half_blocks import blocks, can_show_blocks
from fedge.runner.health import HealthSnapshot
from fedge.runner.result import Result
from fedge.system.console import TERMINAL, fit, printable, set_live_line

# A slow line, as SSH over a bad network is, takes no more of them.
_INPUTS_PER_SECOND = 5


def terminal(live: bool, stream: TextIO | None = None, show_input: bool = False) -> Output:
    """For a live source in a terminal one line that renews itself; else a line per picture. On standard output.

    Where a live source's lines go to a file or a log, only changes of the decision are written.

    With `show_input` each line also says how sure the cut-out is, and what the network sees stands below it; raises
    OutputError where that is no terminal.
    """
    stream = stream or sys.stdout
    # A label may have characters that the terminal's encoding lacks.
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")
    if show_input and not stream.isatty():
        raise OutputError(
            "--show-input needs a terminal", "run it in one, or use --window, or --web, whose page always shows it"
        )
    if live and stream.isatty():
        return LiveLine(stream, show_input)
    return Lines(stream, show_input, only_changes=live)


def describe(result: Result) -> str:
    """An answer in words: the label, its score, and what came next; or that there is no object."""
    answer = result.answer
    if answer.empty:
        return "no object"
    name = answer.label if answer.label is not None else f"unknown (best guess {answer.top[0][0]})"
    others = ", ".join(f"{label} {score:.0%}" for label, score in answer.top[1:])
    return printable(f"{name} {answer.score:.0%}  ({others})")


class Lines(Output):
    """A line per answer; with `only_changes` for the first, and where the decision changes."""

    name, inline = "terminal", True

    def __init__(self, stream: TextIO, show_input: bool = False, only_changes: bool = False) -> None:
        self._stream, self._show_input, self._only_changes = stream, show_input, only_changes

    def wants(self, result: Result) -> bool:
        """Whether a line is to be written."""
        return not self._only_changes or result.decision.changed or result.number == 0

    def show(self, result: Result) -> None:
        """Writes a line, at once."""
        name = printable(Path(result.frame.source).name)
        where = f"{name}, {result.region}" if result.region else name
        self._stream.write(f"{where}: {_line(result, self._show_input)}\n")
        if self._show_input and result.answer.image is not None:
            self._stream.writelines(f"{line}\n" for line in _blocks(result.answer.image, self._stream))
        self._stream.flush()


class LiveLine(Output):
    """A line that renews itself: the answer, frames a second, the answer's age, and what is wrong."""

    name, inline = "terminal", True

    def __init__(self, stream: TextIO, show_input: bool = False) -> None:
        self._stream, self._show_input = stream, show_input
        self._rate = ""
        self._shown = False
        self._input_at = -1.0
        self._input_lines = 0
        self._regions: dict[str, str] = {}

    def show(self, result: Result) -> None:
        """Shows an answer."""
        text = _line(result, self._show_input)
        if result.region:
            self._regions[result.region] = f"{result.region}: {_briefly(result)}"
            text = self._all_regions()
        self._write(f"{text}  {self._rate}{result.age_ms:.0f} ms old")
        image = result.answer.image
        if self._show_input and image is not None and monotonic() - self._input_at >= 1 / _INPUTS_PER_SECOND:
            self._input_at = monotonic()
            self._write_below(_blocks(image, self._stream))

    def health(self, snapshot: HealthSnapshot) -> None:
        """Takes the rate; while there are no frames the line says why, and of one of several cameras that it waits."""
        self._rate = f"{snapshot.frames_per_second:.1f} frames/s, "
        for region in self._regions:
            if snapshot.state_of(region) == "waiting":
                self._regions[region] = f"{region}: waiting"
        if self._regions and "running" in snapshot.cameras.values():
            self._write(f"{self._all_regions()}  {self._rate.removesuffix(', ')}")
        elif snapshot.state == "waiting":
            self._write(printable(f"waiting: {snapshot.message}"))

    def close(self) -> None:
        """Leaves the last line standing."""
        set_live_line(None)
        if self._shown:
            self._stream.write("\n" * (1 + self._input_lines))
            self._stream.flush()

    def _all_regions(self) -> str:
        return "  ".join(self._regions.values())

    def _write(self, text: str) -> None:
        if not self._shown:
            set_live_line(self._clear)
        with TERMINAL:
            self._shown = True
            self._stream.write(f"\r{fit(text, shutil.get_terminal_size().columns - 1)}")
            self._stream.flush()

    def _clear(self) -> None:
        """Makes room for a message, which is written where the line was; the next frame writes it anew below."""
        if self._shown:
            self._shown, self._input_at, self._input_lines = False, -1.0, 0
            # The line, and what stands below it, to the end of the screen.
            self._stream.write("\r\x1b[J")
            self._stream.flush()

    def _write_below(self, lines: list[str]) -> None:
        # Line feeds make room at the bottom of the screen; then the cursor goes back up to the line that renews itself.
        with TERMINAL:
            self._input_lines = len(lines)
            self._stream.write("".join(f"\n\r{line}" for line in lines) + f"\x1b[{len(lines)}A")
            self._stream.flush()


def _briefly(result: Result) -> str:
    answer = result.answer
    if answer.empty:
        return "no object"
    return printable(f"{answer.label if answer.label is not None else 'unknown'} {answer.score:.0%}")


def _line(result: Result, show_input: bool) -> str:
    quality = result.answer.quality
    # It tells whoever aims a camera, and looks at the input for it, which way is better.
    return f"{describe(result)}  cut-out {quality:.0%} sure" if show_input and quality is not None else describe(result)


def _blocks(image: Picture, stream: TextIO) -> list[str]:
    size = shutil.get_terminal_size()
    return blocks(image, size.columns - 1, size.lines - 2, can_show_blocks(stream.encoding or "utf-8"))
