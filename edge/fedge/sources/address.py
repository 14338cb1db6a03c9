"""What a source is called in names and messages: an address without what may be secret in it."""

from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from fedge.errors import SourceError
from fedge.system.console import file_name


def split_address(url: str) -> SplitResult:
    """The parts of a URL; raises SourceError, which shows nothing of it, where it is malformed."""
    try:
        parts = urlsplit(url)
        # Looked at for its error: what follows a colon and is no number may be half a password.
        _ = parts.port
    except ValueError:
        scheme = url.partition("://")[0]
        mend = "write special characters of the user and the password as %40 for @, %2F for /"
        raise SourceError(f"the {scheme} address is malformed", mend) from None
    return parts


def display_name(target: str | int) -> str:
    """The name of a camera's index, a path, or a URL: of that only scheme, host, port and path.

    A camera's user and password stand before its host, and often in its query. Raises SourceError.
    """
    if isinstance(target, int):
        return f"camera {target}"
    if "://" not in target:
        return file_name(Path(target))
    parts = split_address(target)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
