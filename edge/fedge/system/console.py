"""Text from files and cameras, made fit for a terminal and for files in UTF-8."""

import json
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from threading import RLock
from typing import Any, TextIO
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
    with suppress(OSError), TERMINAL:
        if _clear_live_line is not None:
            # Its stream may be full or closed, this one is not.
            with suppress(OSError, ValueError):
                _clear_live_line()
        print(f"fedge: {line}", file=stream, flush=True)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?`, X the known word that is most like `word`; an empty text where none is."""
    from difflib import get_close_matches

    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def escape_what_cannot_be_printed() -> None:
    """Makes standard output write what the locale's encoding lacks as `\\u82f9`, as standard error does."""
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def json_text(value: Any) -> str:
    """A value as JSON on one line, readable where standard output is UTF-8, else with escapes: it is JSON anywhere."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("_", "-")
    return json.dumps(value, ensure_ascii=encoding not in ("utf-8", "utf8"))
