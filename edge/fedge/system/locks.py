"""What one process holds at a time: the operating system's lock on a file or folder, which ends with the process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fedge.system.console import echo


@contextmanager
def locked(path: Path, busy: Exception | None = None, *, shared: bool = False, waiting: str = "") -> Iterator[None]:
    """Holds `path` until the block ends: alone, or together with others that hold it `shared`.

    Where another process holds it, says `waiting` and waits, or raises `busy` where that is given. Raises OSError where
    `path` cannot be opened. Some network drives have no locks: there nothing is held.
    """
    # Over NFS only what is open for writing can be held alone, which a folder never is.
    handle = os.open(path, (os.O_RDONLY if path.is_dir() else os.O_RDWR) | os.O_CLOEXEC)
    try:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if busy is not None:
                raise busy from None
            if waiting:
                echo(waiting)
            fcntl.flock(handle, kind)
        except OSError:
            pass
        yield
    finally:
        os.close(handle)
