"""What a crash or a power cut may leave of a file: writing it whole or not at all, and syncing what grows; hashes."""

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Event, Thread
from typing import Any

_BLOCK = 1 << 20
# A name may have 255 bytes, a character four; a temporary file's name adds some to that of the file.
_LONGEST_PREFIX = 40
_LONGEST_NAME = 200
SYNC_SECONDS = 2.0
"""How often what grows is synced: a power cut takes at most this much of it, and what a sync itself takes."""


@contextmanager
def replacing(path: Path, mode: int | None = None) -> Iterator[Path]:
    """Gives a temporary path in `path`'s folder that becomes `path` when the block ends well.

    The folder is made if need be. `mode` are the permissions; None: those that the user's mask leaves. On an error
    `path` stays as it was and the temporary file is removed; an OSError names `path`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The suffix is kept because writers such as matplotlib and OpenCV choose the format by it.
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:_LONGEST_PREFIX]}.", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            os.chmod(temporary, 0o666 & ~_umask() if mode is None else mode)
            os.replace(temporary, path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def short_name(name: str) -> str:
    """The name cut to 200 bytes of UTF-8, so that numbers and suffixes may be added to it."""
    data = os.fsencode(name)
    return name if len(data) <= _LONGEST_NAME else data[:_LONGEST_NAME].decode(errors="ignore")


def write_bytes(path: Path, data: bytes, mode: int | None = None) -> None:
    """Writes `data` to `path`, whole or not at all; `mode` as in `replacing`."""
    with replacing(path, mode) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path, value: Any) -> None:
    """Writes `value` to `path` as indented JSON, whole or not at all."""
    # A file's name need not be UTF-8; JSON has the escape for what it is read as.
    write_bytes(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode(errors="backslashreplace"))


class PeriodicSync:
    """Syncs the file system of a folder again and again, in a thread of its own, while something is written there.

    One call syncs any number of files, which on an SD card takes a fraction of the time of one call for each; and
    whoever writes does not wait for it. A failure is left to the next write, which the system refuses too.

    Args:
        folder: any on the file system.
        seconds: the pause between two calls.
    """

    def __init__(self, folder: Path, seconds: float = SYNC_SECONDS) -> None:
        self._folder, self._seconds = folder, seconds
        self._written, self._closed = Event(), Event()
        self._thread = Thread(target=self._run, name="fedge-sync", daemon=True)
        self._thread.start()

    def note(self) -> None:
        """Something was written; costs nothing."""
        self._written.set()

    def close(self, seconds: float = SYNC_SECONDS) -> None:
        """Ends after a last call, for which it waits so long at most."""
        self._closed.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        closed = False
        while not closed:
            closed = self._closed.wait(self._seconds)
            if self._written.is_set():
                self._written.clear()
                with suppress(OSError):
                    sync_filesystem(self._folder)


def sync_filesystem(folder: Path) -> None:
    """Returns once all that was written to the folder's file system is on the disk; raises OSError."""
    # Loaded only here: most commands sync nothing that grows. Python itself can sync all file systems only, and so
    # would wait for a network drive that hangs.
    import ctypes

    handle = os.open(folder, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(handle) < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(handle)


class BoundedFolder:
    """What a folder holds, entry by entry, within a number of bytes.

    Args:
        limit_bytes: how much the entries may have together.
        entries: what is there already, oldest first, each with its size in bytes.
        remove: deletes an entry.
    """

    def __init__(self, limit_bytes: int, entries: Iterable[tuple[Path, int]], remove: Callable[[Path], None]) -> None:
        self.limit_bytes, self._remove = limit_bytes, remove
        self._sizes = dict(entries)
        self._total = sum(self._sizes.values())

    def __len__(self) -> int:
        return len(self._sizes)

    def __contains__(self, entry: object) -> bool:
        return entry in self._sizes

    def size(self, entry: Path) -> int:
        """The bytes of an entry."""
        return self._sizes[entry]

    def grow(self, entry: Path, size: int) -> None:
        """An entry, the newest if it is new, has so many bytes more."""
        self._sizes[entry] = self._sizes.get(entry, 0) + size
        self._total += size

    def make_room(self, size: int, sparing: Path | None = None) -> None:
        """Removes the oldest entries, but for `sparing`, until so many bytes more have room."""
        for oldest in list(self._sizes):
            if self._total + size <= self.limit_bytes:
                return
            if oldest != sparing:
                self.drop(oldest)

    def drop(self, entry: Path) -> None:
        """Removes an entry."""
        self._remove(entry)
        self._total -= self._sizes.pop(entry)


def is_hidden(path: Path, below: Path | None = None) -> bool:
    """Whether a path's name begins with a dot, as copies of notebooks and file managers do; or, of a path under a
    folder `below`, the name of any folder between them.
    """
    return any(part.startswith(".") for part in (path.relative_to(below).parts if below else (path.name,)))


def sha256(data: bytes | memoryview) -> str:
    """The SHA-256 of `data`, in lower-case hexadecimal."""
    return str(_sha256()(data).hexdigest())


def sha256_file(path: Path) -> str:
    """The SHA-256 of a file's content, in lower-case hexadecimal."""
    digest = _sha256()()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return str(digest.hexdigest())


@cache
def _sha256() -> Callable[..., Any]:
    # Python's built-in implementation where there is one: hashlib loads OpenSSL, 3.5 MB that the runner needs for
    # nothing else.
    own = next((name for name in ("_sha2", "_sha256") if find_spec(name)), "hashlib")
    return import_module(own).sha256  # type: ignore[no-any-return]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def sync_folder(folder: Path) -> None:
    """Waits until what was made, renamed or removed in `folder` is on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
