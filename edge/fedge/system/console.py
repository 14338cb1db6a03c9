"""Text from files and cameras, made fit for a terminal and for files in UTF-8."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from threading import RLock
from typing import TextIO
from unicodedata import east_asian_width

TERMINAL = RLock()
"""Held while something is written to the terminal, where a line may renew itself."""
_clear_live_line: Callable[[], None] | None = None


def set_live_line(clear: Callable[[], None] | None) -> None:
    """Has `clear` called before each `echo`, so that no message is written behind a line that renews itself."""
    global _clear_live_line
    with TERMINAL:
        _clear_live_line = clear


def fit(text: str, columns: int) -> str:
    """The text cut or filled to so many columns; Chinese, Japanese and Korean characters and emoji take two."""
    taken = 0
    for i, character in enumerate(text):
        width = 2 if east_asian_width(character) in "WF" else 1
        if taken + width > columns:
            text = text[:i]
            break
        taken += width
    return text + " " * (columns - taken)


def printable(text: str) -> str:
    """The text without control characters: labels come from model files, and a terminal obeys what it is sent."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def file_name(path: Path) -> str:
    """A path as text in which bytes that are not UTF-8, as in names from old archives, stand as `\\xe9`."""
    return os.fsencode(path).decode(errors="backslashreplace")


def replace_what_cannot_be_printed() -> None:
    """Has standard output write `?` for what its encoding lacks, as that of many a terminal does, rather than fail."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def stop_writing(stream: TextIO) -> None:
    """Sends what follows nowhere: whoever read the stream has seen enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def echo(line: str, stream: TextIO | None = None) -> None:
    """Writes `fedge: LINE` to standard error, or another `stream`; where that is impossible the run goes on."""
    stream = stream or sys.stderr
    # Python has none where the process was started with it closed; print would take standard output instead.
    if stream is None:
        return
    with suppress(OSError), TERMINAL:
        if _clear_live_line is not None:
            # Its stream may be full or closed, this one is not.
            with suppress(OSError, ValueError):
                _clear_live_line()
        print(f"fedge: {line}", file=stream, flush=True)
