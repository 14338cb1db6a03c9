"""A run folder is written by one process at a time: the operating system's lock on it, which ends with the process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fedge.errors import RunError


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Makes the folder if need be and holds it alone; on the way out it is removed if nothing was written to it.

    Raises RunError where another process holds it.
    """
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _held(folder, fcntl.LOCK_EX):
            yield
    finally:
        if made:
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Holds the folder together with other readers; raises RunError where a process writes it."""
    with _held(folder, fcntl.LOCK_SH):
        yield


def is_being_written(folder: Path) -> bool:
    """Whether a process holds the folder alone at this moment."""
    try:
        with reading(folder):
            return False
    except RunError:
        return True


@contextmanager
def _held(folder: Path, kind: int) -> Iterator[None]:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        # Whoever reads the folder then says that it is missing or may not be read.
        yield
        return
    try:
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(
                f"another process is at work in {folder}", "wait until it has ended, or choose another folder"
            ) from error
        except OSError:
            # Some network drives have no locks.
            pass
        yield
    finally:
        os.close(handle)
