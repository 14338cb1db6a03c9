"""Text from files and cameras, made fit for a terminal and for files in UTF-8."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO


def printable(text: str) -> str:
    """The text without control characters: labels come from model files, and a terminal would obey escape sequences."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def file_name(path: Path) -> str:
    """A path as text in which bytes that are not UTF-8, as in names from old archives, stand as `\\xe9`."""
    return os.fsencode(path).decode(errors="backslashreplace")


def stop_writing(stream: TextIO) -> None:
    """Redirects the stream to /dev/null, because its reader has closed the pipe."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def echo(line: str, stream: TextIO | None = None) -> None:
    """Writes `fedge: LINE` to standard error, or another `stream`; where that is impossible the run goes on."""
    stream = stream or sys.stderr
    # sys.stderr is None where the process was started with it closed; print would then write to standard output.
    if stream is None:
        return
    with suppress(OSError):
        print(f"fedge: {line}", file=stream, flush=True)
