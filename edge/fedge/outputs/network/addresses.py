"""The secrets that open what listens at an address, and whether a request means this machine."""

import os
from pathlib import Path

from fedge.errors import OutputError
from fedge.options import Address


def read_secret(variable: str, path: Path | None, option: str) -> str | None:
    """A secret from a file's first line, or else from the environment; None where there is none. Raises OutputError."""
    if path is None:
        return os.environ.get(variable) or None
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(f"{path} cannot be read ({error})", f"give {option} a readable text file") from error
    if not lines or not lines[0]:
        raise OutputError(f"{path} has an empty first line", f"put the secret into it, or leave {option} out")
    return lines[0]


def names_loopback(host_header: str) -> bool:
    """Whether a request's Host header names this machine, as it does unless a web site had its own name point here."""
    closed = host_header.rfind("]")
    host = host_header.rpartition(":")[0] if host_header.rfind(":") > closed else host_header
    return Address(host.removeprefix("[").removesuffix("]").lower(), 0).is_loopback
