"""Cameras that give pictures over HTTP: Motion JPEG in any of its dialects, or one picture each time they are asked.

Other videos over HTTP are left to FFmpeg.
"""

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException, HTTPResponse, responses
from threading import Event
from time import monotonic
from urllib.error import HTTPError
from urllib.parse import quote, unquote, urlunsplit
from urllib.request import (
    BaseHandler,
    HTTPBasicAuthHandler,
    HTTPDigestAuthHandler,
    HTTPPasswordMgrWithDefaultRealm,
    HTTPSHandler,
    OpenerDirector,
    Request,
    build_opener,
)

from fedge.errors import SourceError
from fedge.images.preprocess import Recipe
from fedge.options import CameraOptions
from fedge.sources.address import display_name, split_address
from fedge.sources.backends.jpeg import PNG, decode_picture, split_pictures
from fedge.sources.base import Fault, Frame
from fedge.sources.view import View

_CHUNK = 1 << 16
_SNAPSHOTS_PER_SECOND = 4.0
_JPEG = b"\xff\xd8\xff"
_SAFE = "%/:=&?~+!$,;'()*[]@"


class HttpCamera:
    """Frames of an http or https address.

    Args:
        url: the address, also with a user and a password.
        options: how pictures are turned and cut, and how often a snapshot is asked for.
        seconds: how long a connection or a read may take.

    Its attribute `encoded` is False where the answer is neither pictures nor a web page, and so one for FFmpeg. Raises
    SourceError where the address cannot be opened or gives a web page.
    """

    live = True
    moving = True

    def __init__(self, url: str, options: CameraOptions, seconds: float, recipe: Recipe | None = None) -> None:
        self.name = display_name(url)
        self._view, self._seconds = View.of(options, recipe), seconds
        self._interval = 1 / (options.fps or _SNAPSHOTS_PER_SECOND)
        self._opener, self._url, self._user = _opener(url)
        self._closed = Event()
        self._asked = monotonic()
        self._response = self._ask()
        self._first = self._read()
        kind = self._response.headers.get_content_type()
        parts = kind.startswith("multipart/") or self._first.lstrip().startswith(b"--")
        self.encoded = parts or kind.startswith("image/") or _JPEG in self._first or PNG in self._first
        self._snapshot = not parts
        if not self.encoded and kind in ("text/html", "application/json", "application/xml", "text/xml"):
            self._response.close()
            raise SourceError(f"{self.name} gives {kind}, no picture", "give the address of its stream or its snapshot")

    def frames(self) -> Iterator[Frame | Fault]:
        """The frames in order, until it is closed; raises SourceError where they end.

        An address that gives one picture is asked again, `--fps` times a second or four.
        """
        given, fault = 0, ""
        while not self._closed.is_set():
            pictures = 0
            with self._response:
                for data in split_pictures(self._read_on):
                    pictures += 1
                    item = self._decoded(data, first=not given)
                    fault = f" ({item.message})" if isinstance(item, Fault) else fault
                    given += isinstance(item, Frame)
                    yield item
            if self._closed.is_set():
                return
            if pictures != 1 or not self._snapshot:
                break
            self._closed.wait(max(0.0, self._asked + self._interval - monotonic()))
            self._asked = monotonic()
            self._response = self._ask()
        if not given:
            raise SourceError(f"{self.name} gives no frame{fault}", "check that it gives JPEG pictures")
        raise SourceError(f"{self.name} stopped after {given} frames", "check the camera, its cable or the network")

    def close(self) -> None:
        """Ends the frames, and a read that blocks."""
        self._closed.set()
        # A response that was read to its end has no connection any more.
        with (
            suppress(OSError, ValueError, AttributeError),
            socket.socket(fileno=os.dup(self._response.fileno())) as connection,
        ):
            connection.shutdown(socket.SHUT_RDWR)

    def _decoded(self, data: bytes, first: bool) -> Frame | Fault:
        try:
            picture = decode_picture(data, self._view)
        except SourceError as error:
            if first:
                raise
            return Fault("region", error.what)
        return picture if isinstance(picture, Fault) else Frame(picture, self.name)

    def _read_on(self) -> bytes:
        first, self._first = self._first, b""
        return first or (b"" if self._closed.is_set() else self._read())

    def _read(self) -> bytes:
        try:
            return self._response.read1(_CHUNK)
        except (OSError, HTTPException, ValueError):
            # It stalled, was cut off, or was closed here: either way nothing more comes.
            return b""

    def _ask(self) -> HTTPResponse:
        try:
            response: HTTPResponse = self._opener.open(self._url, timeout=self._seconds)
        except HTTPError as error:
            error.close()
            raise self._refused(error.code) from None
        # The messages of some of these hold the address, and so the password.
        except (OSError, HTTPException, ValueError):
            raise SourceError(f"{self.name} cannot be opened", "check the address and the network") from None
        return response

    def _refused(self, code: int) -> SourceError:
        reason = responses.get(code, "")
        if code in (401, 403) and self._user:
            return SourceError(f"{self.name} does not take this user and password ({code} {reason})", "correct them")
        if code in (401, 403):
            mend = "write them before the host, as in http://USER:PASSWORD@HOST/"
            return SourceError(f"{self.name} asks for a user and a password ({code} {reason})", mend)
        return SourceError(f"{self.name} answers {code} {reason}", "check the address's path, and the camera")


class _Hangup(BaseHandler):
    """Closes the connection of an answer 401, which urllib leaves open when it asks again with the password."""

    handler_order = 1

    def http_error_401(self, request: Request, answer: HTTPResponse, *rest: object) -> None:
        answer.close()


def _opener(url: str) -> tuple[OpenerDirector, str, str]:
    """What opens an address, the address without its user and password, and the user."""
    parts = split_address(url)
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    plain = urlunsplit(
        (parts.scheme, parts.netloc.rpartition("@")[2], quote(parts.path, _SAFE), quote(parts.query, _SAFE), "")
    )
    # Cameras sign their certificates themselves, so FFmpeg does not check them either; no authority is loaded.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    handlers: list[BaseHandler] = [HTTPSHandler(context=context), _Hangup()]
    if user:
        passwords = HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, plain, unquote(user), unquote(password))
        handlers += [HTTPDigestAuthHandler(passwords), HTTPBasicAuthHandler(passwords)]
    return build_opener(*handlers), plain, user
