"""A run folder is written by one process at a time: the operating system's lock on it, which ends with the process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fedge.errors import RunError
from fedge.system.locks import locked


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Makes the folder if need be and holds it alone; on the way out it is removed if nothing was written to it.

    Raises RunError where another process holds it.
    """
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _held(folder):
            yield
    finally:
        if made:
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Holds the folder together with other readers; raises RunError where a process writes it."""
    with _held(folder, shared=True):
        yield


def is_being_written(folder: Path) -> bool:
    """Whether a process holds the folder alone at this moment."""
    try:
        with reading(folder):
            return False
    except RunError:
        return True


@contextmanager
def _held(folder: Path, *, shared: bool = False) -> Iterator[None]:
    # Where it is not there or may not be read, whoever reads it says so.
    if not (folder.is_dir() and os.access(folder, os.R_OK)):
        yield
        return
    busy = RunError(f"another process is at work in {folder}", "wait until it has ended, or choose another folder")
    with locked(folder, busy, shared=shared):
        yield
