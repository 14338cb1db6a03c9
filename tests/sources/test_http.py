"""Cameras over HTTP: dialects of Motion JPEG, snapshots, and what refuses."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import cv2
import pytest
from collecting import collect
from mjpeg_server import mjpeg_server
from pictures_for_tests import jpeg, scene

from fedge.errors import SourceError
from fedge.options import CameraOptions, FaultLimits
from fedge.runner.health import Health
from fedge.sources.factory import open_source

JPEGS = [jpeg(scene(number, 320, 240)) for number in range(4)]
PNGS = [cv2.imencode(".png", scene(number, 320, 240))[1].tobytes() for number in range(4)]
MULTIPART = "multipart/x-mixed-replace; boundary=frame"


def part(picture: bytes, head: str = "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {size}\r\n\r\n") -> bytes:
    return head.format(size=len(picture)).encode() + picture + b"\r\n"


DIALECTS = {
    "the usual": (MULTIPART, [part(j) for j in JPEGS]),
    "no boundary before the first part": (MULTIPART, [part(JPEGS[0]).removeprefix(b"--frame\r\n"), *map(part, JPEGS)]),
    "parts without a type": (MULTIPART, [part(j, "--frame\r\n\r\n") for j in JPEGS]),
    "parts that are PNG": (MULTIPART, [part(p, "--frame\r\nContent-Type: image/png\r\n\r\n") for p in PNGS]),
    "lines that end in LF": (MULTIPART, [part(j, "--frame\nContent-Length: {size}\n\n") for j in JPEGS]),
    "lengths that lie": (MULTIPART, [part(j, "--frame\r\nContent-Length: 7\r\n\r\n") for j in JPEGS]),
    "pictures alone": ("video/x-motion-jpeg", JPEGS),
    "another type": ("text/html", [part(j) for j in JPEGS]),
    "no end markers": (MULTIPART, [part(j[:-2]) for j in JPEGS]),
}


@contextmanager
def serving(kind: str, parts: list[bytes], status: int = 200) -> Iterator[str]:
    """The address of a server that answers each request with these parts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.end_headers()
            for part in parts:
                self.wfile.write(part)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/video"
    finally:
        server.shutdown()
        server.server_close()


def opened(url: str, fps: float | None = None) -> object:
    return open_source(url, CameraOptions(fps=fps), Health(), FaultLimits(stall_after=2, frozen_after=0))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_stream_in_any_dialect_gives_its_pictures_without_a_fault(dialect: str) -> None:
    with serving(*DIALECTS[dialect]) as url:
        seen = collect(opened(url), lambda seen: len(seen.frames) >= 1)  # type: ignore[arg-type]
    assert not seen.kinds
    assert {frame.picture.shape for frame in seen.frames} == {(240, 320, 3)}


@pytest.mark.parametrize(
    ("kind", "picture"), [("image/jpeg", JPEGS[0]), ("image/png", PNGS[0]), ("text/plain", JPEGS[0])]
)
def test_an_address_of_one_picture_is_asked_again_and_again(kind: str, picture: bytes) -> None:
    with serving(kind, [picture]) as url:
        seen = collect(opened(url, fps=50), lambda seen: len(seen.frames) >= 3 or seen.kinds)  # type: ignore[arg-type]
    assert not seen.kinds
    assert len(seen.frames) == 3


@pytest.mark.parametrize(
    ("status", "user", "message"),
    [
        (401, "", "asks for a user and a password (401 Unauthorized)"),
        (401, "me:s3cret@", "does not take this user and password (401 Unauthorized)"),
        (403, "", "asks for a user and a password (403 Forbidden)"),
        (404, "", "answers 404 Not Found"),
        (503, "", "answers 503 Service Unavailable"),
    ],
)
def test_a_refusal_is_told_as_what_it_is(status: int, user: str, message: str) -> None:
    with serving("text/html", [b"no"], status) as url, pytest.raises(SourceError) as error:
        collect(opened(url.replace("//", f"//{user}")), lambda seen: False)  # type: ignore[arg-type]
    assert error.value.what == f"{url} {message}"


def test_a_web_page_is_no_camera() -> None:
    with serving("text/html", [b"<html>log in</html>"]) as url, pytest.raises(SourceError, match="gives text/html, no"):
        collect(opened(url), lambda seen: False)  # type: ignore[arg-type]


def test_a_server_that_breaks_off_is_told_without_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            connection.sendall(b"what?\r\n")
            connection.close()

        Thread(target=serve, daemon=True).start()
        port = server.getsockname()[1]
        with pytest.raises(SourceError, match=f"^http://127.0.0.1:{port}/stream cannot be opened; check the address"):
            collect(opened(f"http://me:s3cret@127.0.0.1:{port}/stream?a b"), lambda seen: False)  # type: ignore[arg-type]


def test_user_and_password_may_hold_any_character() -> None:
    with mjpeg_server() as server:
        server.credentials = "m e:p@s/s#1"
        url = server.url.replace("//", "//m%20e:p%40s%2Fs%231@")
        assert collect(opened(url), lambda seen: seen.frames).frames  # type: ignore[arg-type]
