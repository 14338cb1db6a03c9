"""Fetching from a static server or a plain folder, within a time."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from urllib.parse import unquote, urlsplit

import urllib3
from tuf.api.exceptions import DownloadError, DownloadHTTPError, SlowRetrievalError
from tuf.ngclient.urllib3_fetcher import Urllib3Fetcher

from fedge import __version__
from fedge.errors import UpdateError

_BLOCK = 1 << 16
_FILE = "file://"


class Fetcher(Urllib3Fetcher):
    """Fetches over HTTP, HTTPS (with the system's certificates) or from a folder.

    Args:
        seconds: for a connection, and between two pieces of an answer.

    Attributes:
        asked: the name of the file that was asked for last.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(chunk_size=_BLOCK, app_user_agent=f"fedge/{__version__}")
        self.socket_timeout = seconds  # type: ignore[assignment]  # urllib3 takes fractions
        self.asked = ""
        self._response: urllib3.response.BaseHTTPResponse | None = None

    def hang_up(self) -> None:
        """Closes the connection of an answer that was not read to its end."""
        if self._response is not None:
            self._response.close()

    def _fetch(self, url: str) -> Iterator[bytes]:
        self.asked = url.rpartition("/")[2]
        if not url.startswith(_FILE):
            try:
                return super()._fetch(url)
            except SlowRetrievalError as error:
                # urllib3 calls a refused connection one that timed out.
                if isinstance(getattr(error.__cause__, "reason", None), urllib3.exceptions.NewConnectionError):
                    raise DownloadError("nobody answers") from error
                raise
        path = Path(unquote(urlsplit(url).path))
        if not path.is_file():
            raise DownloadHTTPError(f"there is no file {path}", 404)
        return _blocks(path)

    def _chunks(self, response: urllib3.response.BaseHTTPResponse) -> Iterator[bytes]:
        self._response = response
        try:
            yield from response.stream(self.chunk_size)
            response.release_conn()
        except urllib3.exceptions.TimeoutError as error:
            raise SlowRetrievalError from error
        except urllib3.exceptions.HTTPError as error:
            raise DownloadError("the answer broke off") from error


def base_url(where: str) -> str:
    """The address of a repository, a folder as a file: URL. Raises UpdateError."""
    scheme, separator, rest = where.partition("://")
    if not separator and not where.startswith("file:"):
        if not Path(where).is_dir():
            raise UpdateError(f"there is no folder {where}", "give --url an http or https address, or a folder")
        return Path(where).absolute().as_uri()
    if where.startswith("file:"):
        return Path(unquote(urlsplit(where).path)).absolute().as_uri()
    if scheme not in ("http", "https"):
        raise UpdateError(f"updates do not come over {scheme}", "give --url an http or https address, or a folder")
    if "@" in rest.partition("/")[0]:
        raise UpdateError(
            "a password in --url would be seen by others", "serve the releases without one: they are signed"
        )
    return where.rstrip("/")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raises SlowRetrievalError where the block takes longer, whatever it waits for. For the main thread only."""

    def give_up(number: int, frame: FrameType | None) -> None:
        raise SlowRetrievalError

    before = signal.signal(signal.SIGALRM, give_up)
    left = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *left)
        signal.signal(signal.SIGALRM, before)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block
