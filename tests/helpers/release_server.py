"""A static server of releases that lies, stalls and dies on command."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

Answer = Callable[["Handler", bytes], None]


class ReleaseServer(ThreadingHTTPServer):
    """Serves a folder; what is in `answers` by the end of a file's name is answered by that function instead."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.over = Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(SimpleHTTPRequestHandler):
    server: ReleaseServer

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        answer = next((each for end, each in self.server.answers.items() if self.path.endswith(end)), None)
        with suppress(OSError):
            if answer is None:
                super().do_GET()
            else:
                path = Path(self.translate_path(self.path))
                answer(self, path.read_bytes() if path.is_file() else b"")

    def log_message(self, format: str, *args: object) -> None:
        pass

    def begin(self, length: int | None) -> None:
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()


def instead(change: Callable[[bytes], bytes]) -> Answer:
    """Answers with other bytes, as if they were the file."""

    def answer(handler: Handler, data: bytes) -> None:
        changed = change(data)
        handler.begin(len(changed))
        handler.wfile.write(changed)

    return answer


def broken_off(handler: Handler, data: bytes) -> None:
    """Half of the file, and then the end of the connection."""
    handler.begin(len(data))
    handler.wfile.write(data[: len(data) // 2])


def endless(handler: Handler, data: bytes) -> None:
    """The file and then more and more."""
    handler.begin(None)
    handler.wfile.write(data)
    while not handler.server.over.is_set():
        handler.wfile.write(bytes(1 << 16))


def silent(handler: Handler, data: bytes) -> None:
    """Nothing at all."""
    handler.server.over.wait()


def dripping(handler: Handler, data: bytes) -> None:
    """A byte now and then, which no limit for the pause between two pieces notices."""
    handler.begin(len(data))
    for byte in data:
        handler.wfile.write(bytes([byte]))
        if handler.server.over.wait(0.05):
            return


@contextmanager
def release_server(folder: Path) -> Iterator[ReleaseServer]:
    """A server of this folder on a free port of 127.0.0.1."""
    with ReleaseServer(folder) as server:
        thread = Thread(target=partial(server.serve_forever, poll_interval=0.01))
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()
