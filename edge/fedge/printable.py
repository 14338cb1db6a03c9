"""Text from files and cameras, made fit for a terminal and for files in UTF-8."""

import os
from pathlib import Path


def printable(text: str) -> str:
    """The text without control characters: labels come from model files, and a terminal obeys what it is sent."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def file_name(path: Path) -> str:
    """A path as text in which bytes that are not UTF-8, as in names from old archives, stand as `\\xe9`."""
    return os.fsencode(path).decode(errors="backslashreplace")
