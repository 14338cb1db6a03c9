"""Lines on standard error, which may lie on a full disk or have lost its reader."""

import sys
from contextlib import suppress
from typing import TextIO


def tell(line: str, stream: TextIO | None = None) -> None:
    """Writes `fedge: LINE` to standard error, or another `stream`; where that is impossible the run goes on."""
    stream = stream or sys.stderr
    # Python has none where the process was started with it closed; print would take standard output instead.
    if stream is None:
        return
    with suppress(OSError):
        print(f"fedge: {line}", file=stream, flush=True)
