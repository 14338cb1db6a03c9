"""Keeping native libraries' chatter off standard error, where people read one line per error."""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from threading import Lock

# Standard error is one for the whole process: two that take it at once would give it back in the wrong order.
_TAKEN = Lock()


@contextlib.contextmanager
def suppress_native_stderr() -> Iterator[None]:
    """Holds back what is written to standard error, by native code too; it is shown only if the block raises."""
    with _taken() as (log, saved):
        try:
            yield
        except BaseException:
            log.seek(0)
            os.write(saved, log.read())
            raise


@contextlib.contextmanager
def heard_on_stderr(pattern: re.Pattern[bytes]) -> Iterator[list[str]]:
    """Takes the lines that match `pattern` off standard error; they are in the list when the block has ended.

    All other lines, such as those of another thread, are shown then.
    """
    heard: list[str] = []
    with _taken() as (log, saved):
        try:
            yield heard
        finally:
            log.seek(0)
            for line in log.read().splitlines(keepends=True):
                if pattern.match(line):
                    heard.append(line.decode(errors="replace").strip())
                else:
                    os.write(saved, line)


@contextlib.contextmanager
def _taken() -> Iterator[tuple["tempfile._TemporaryFileWrapper[bytes]", int]]:
    with _TAKEN, tempfile.TemporaryFile() as log:
        try:
            saved = os.dup(2)
        except OSError:
            # The process was started with it closed: there is nobody to keep anything from.
            saved = os.open(os.devnull, os.O_WRONLY)
        os.dup2(log.fileno(), 2)
        try:
            yield log, saved  # type: ignore[misc]
        finally:
            os.dup2(saved, 2)
            os.close(saved)
