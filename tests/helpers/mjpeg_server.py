"""An MJPEG-over-HTTP server that stalls, lies and dies on command."""

import socket
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from time import monotonic
from typing import Any

from pictures_for_tests import jpeg, scene


class MjpegServer:
    """Serves JPEGs in a circle; its attributes can be changed while it runs.

    Attributes:
        jpegs: what is served; may be replaced.
        interval: seconds between two frames.
        stalled: set: it keeps connections open and sends nothing, to new ones not even headers.
        frozen: set: it sends the same frame again and again.
        credentials: USER:PASSWORD that it asks for; empty: nothing.
    """

    def __init__(self, jpegs: list[bytes] | None = None, interval: float = 0.02) -> None:
        self.jpegs = jpegs or [jpeg(scene(number)) for number in range(8)]
        self.interval = interval
        self.stalled, self.frozen = Event(), Event()
        self.credentials = ""
        self.number = 0
        self.sent_at = 0.0
        self._dead = Event()
        self._port = 0
        self._server: ThreadingHTTPServer | None = None
        self._connections: set[socket.socket] = set()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/stream"

    def start(self) -> None:
        """Listens, on the same port as before, if it does not."""
        if self._server:
            return
        self._dead.clear()
        self._server = _Server(("127.0.0.1", self._port), _handler(self))
        self._port = self._server.server_port
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def die(self) -> None:
        """Breaks every connection and stops listening."""
        self._dead.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def stream(self, connection: socket.socket) -> None:
        self._connections.add(connection)
        try:
            self._wait_while_stalled()
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n")
            while not self._dead.is_set():
                self._wait_while_stalled()
                data = self.jpegs[self.number % len(self.jpegs)]
                connection.sendall(
                    b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(data), data)
                )
                self.sent_at = monotonic()
                self.number += not self.frozen.is_set()
                self._dead.wait(self.interval)
        except OSError:
            pass
        finally:
            self._connections.discard(connection)

    def _wait_while_stalled(self) -> None:
        while self.stalled.is_set() and not self._dead.is_set():
            self._dead.wait(0.005)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


def _handler(server: MjpegServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            expected = f"Basic {b64encode(server.credentials.encode()).decode()}"
            if server.credentials and self.headers["Authorization"] != expected:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                self.end_headers()
            else:
                server.stream(self.connection)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    return Handler


@contextmanager
def mjpeg_server(**arguments: Any) -> Iterator[MjpegServer]:
    server = MjpegServer(**arguments)
    try:
        yield server
    finally:
        server.die()
