"""Writing files whole or not at all, and hashing them."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_BLOCK = 1 << 20


@contextmanager
def replacing(path: Path, mode: int | None = None) -> Iterator[Path]:
    """Gives a temporary path in `path`'s folder that becomes `path` when the block ends well.

    The folder is made if need be. `mode` are the permissions; None: those that the user's mask leaves. On an error
    `path` stays as it was and the temporary file is removed; an OSError names `path`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The suffix is kept because writers such as matplotlib and OpenCV choose the format by it.
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
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


def write_bytes(path: Path, data: bytes, mode: int | None = None) -> None:
    """Writes `data` to `path`, whole or not at all; `mode` as in `replacing`."""
    with replacing(path, mode) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path, value: Any) -> None:
    """Writes `value` to `path` as indented JSON, whole or not at all."""
    # A file's name need not be UTF-8; JSON has the escape for what it is read as.
    write_bytes(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode(errors="backslashreplace"))


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
    # Python's own, where it was built with it, as the standard library's `random` takes its SHA-512: hashlib's comes
    # with OpenSSL, 3.5 MB that the runner needs for nothing else.
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
