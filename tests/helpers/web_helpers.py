"""Talking to the web page as clients do."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fedge.images.preprocess import Recipe
from fedge.options import Address
from fedge.outputs.web.server import WebPage

RECIPE = Recipe(28, 28, fit="crop")
LABELS = ("Bag", "Dress")
TOKEN = "correct-horse-battery-staple"


@contextmanager
def web_page(token: str | None = None, host: str = "127.0.0.1", **options: Any) -> Iterator[WebPage]:
    """A page on a free port."""
    page = WebPage(Address(host, 0), token, options.pop("labels", LABELS), options.pop("recipe", RECIPE), **options)
    try:
        yield page
    finally:
        page.close()


def get(page: WebPage, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (lower case) and body of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=20)
    try:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=names)
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def connect(page: WebPage, receive_buffer: int | None = None) -> socket.socket:
    """A connection that has asked for nothing yet."""
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(20)
    connection.connect(("127.0.0.1", page.port))
    return connection


def stream(page: WebPage, path: str, receive_buffer: int | None = None) -> socket.socket:
    """A connection that has asked for a stream and read nothing yet."""
    connection = connect(page, receive_buffer)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return connection


def read_until(connection: socket.socket, wanted: bytes) -> bytes:
    """All that comes up to and with `wanted`."""
    received = b""
    while wanted not in received:
        chunk = connection.recv(1 << 16)
        assert chunk, f"the stream ended after {received[-200:]!r}"
        received += chunk
    return received
