"""Running `fedge` as a process of its own, and looking at it while it runs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def running(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """`fedge ARGUMENTS`, killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fedge", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def next_line(process: subprocess.Popen[str]) -> Any:
    """The next JSON line on its standard output."""
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def finish(*arguments: object) -> tuple[int, str, str]:
    """Runs to the end: exit code, standard output, standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "fedge", *map(str, arguments)], capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout, done.stderr
