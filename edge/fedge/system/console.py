"""Text from files and cameras, made fit for a terminal and for files in UTF-8."""

import json
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO


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


def escape_what_cannot_be_printed() -> None:
    """Makes standard output write what the locale's encoding lacks as `\\u82f9`, as standard error does."""
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def json_text(value: Any) -> str:
    """A value as JSON on one line, readable where standard output is UTF-8, else with escapes: it is JSON anywhere."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("_", "-")
    return json.dumps(value, ensure_ascii=encoding not in ("utf-8", "utf8"))
