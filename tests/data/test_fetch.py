import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fedge.data.fetch import download
from fedge.errors import DataError

CONTENT = bytes(range(256)) * 4096
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT with ranges; may break off after so many bytes, or serve something else."""

    break_after: int | None = None
    content = CONTENT
    ranges = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/data.gz"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:  # the name that http.server calls
        asked = self.headers["Range"]
        self.server.asked.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.server.ranges else 0
        if start >= len(self.server.content):
            self.send_error(416)
            return
        body = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.break_after])

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_downloads_whole(server: Server, tmp_path: Path) -> None:
    download(server.address, tmp_path / "data.gz", SHA256)
    assert (tmp_path / "data.gz").read_bytes() == CONTENT
    assert [p.name for p in tmp_path.iterdir()] == ["data.gz"]


def test_goes_on_where_it_broke_off(server: Server, tmp_path: Path) -> None:
    server.break_after = 100_000
    with pytest.raises(DataError, match="broke off at 100000 of 1048576 bytes"):
        download(server.address, tmp_path / "data.gz", SHA256)
    assert not (tmp_path / "data.gz").exists()
    server.break_after = None
    download(server.address, tmp_path / "data.gz", SHA256)
    assert (tmp_path / "data.gz").read_bytes() == CONTENT
    assert server.asked == [None, "bytes=100000-"]


def test_starts_afresh_where_the_part_was_wrong(server: Server, tmp_path: Path) -> None:
    (tmp_path / "data.gz.part").write_bytes(b"x" * 5000)
    download(server.address, tmp_path / "data.gz", SHA256)
    assert (tmp_path / "data.gz").read_bytes() == CONTENT


def test_copes_with_a_server_without_ranges(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    (tmp_path / "data.gz.part").write_bytes(CONTENT[:5000])
    download(server.address, tmp_path / "data.gz", SHA256)
    assert (tmp_path / "data.gz").read_bytes() == CONTENT


def test_takes_a_part_that_is_already_whole(server: Server, tmp_path: Path) -> None:
    (tmp_path / "data.gz.part").write_bytes(CONTENT)
    download(server.address, tmp_path / "data.gz", SHA256)
    assert (tmp_path / "data.gz").read_bytes() == CONTENT


def test_refuses_other_content(server: Server, tmp_path: Path) -> None:
    server.content = b"<html>log in to this network</html>"
    with pytest.raises(DataError, match="has not the expected SHA-256"):
        download(server.address, tmp_path / "data.gz", SHA256)
    assert list(tmp_path.iterdir()) == []


def test_says_that_nobody_answers(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="could not be reached"):
        download("http://127.0.0.1:9/data.gz", tmp_path / "data.gz", SHA256)
