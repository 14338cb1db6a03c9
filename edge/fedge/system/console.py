"""Text from files and cameras, made fit for a terminal and for files in UTF-8."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO


def printable(text: str) -> str:
    """The text without control characters: labels come from model files, and a terminal obeys what it is sent."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def file_name(path: Path) -> str:
    """A path as text in which bytes that are not UTF-8, as in names from old archives, stand as `\\xe9`."""
    return os.fsencode(path).decode(errors="backslashreplace")


def stop_writing(stream: TextIO) -> None:
    """Sends what follows nowhere: whoever read the stream has seen enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def echo(line: str, stream: TextIO | None = None) -> None:
    """Writes `fedge: LINE` to standard error, or another `stream`; where that is impossible the run goes on."""
    stream = stream or sys.stderr
    # Python has none where the process was started with it closed; print would take standard output instead.
    if stream is None:
        return
    with suppress(OSError):
        print(f"fedge: {line}", file=stream, flush=True)
