"""A headless Chromium, driven over the DevTools protocol."""

import base64
import itertools
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
START_SECONDS, ANSWER_SECONDS = 60.0, 30.0
_OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
]


def chromium() -> str | None:
    """The program's path, None where it is not installed."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


needs_chromium = pytest.mark.skipif(chromium() is None, reason="chromium is not installed (apt-get install chromium)")


class Page:
    """A tab."""

    def __init__(self, connection: ClientConnection, session: str) -> None:
        self._connection, self._session = connection, session
        self._numbers = itertools.count(1)
        self._origin, self._left = "", set[str]()
        self.errors: list[str] = []

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Calls a DevTools method and gives its result; what the page reports meanwhile is looked at for errors."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters, "sessionId": self._session}
        self._connection.send(json.dumps(message))
        while True:
            answer = json.loads(self._connection.recv(timeout=ANSWER_SECONDS))
            if answer.get("id") == number:
                assert "error" not in answer, answer["error"]
                return dict(answer["result"])
            self._note(answer)

    def value(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait_for(self, expression: str, seconds: float = ANSWER_SECONDS) -> Any:
        """The expression's value once it is true."""
        deadline = monotonic() + seconds
        while not (value := self.value(expression)):
            assert monotonic() < deadline, f"never came: {expression}"
            sleep(0.05)
        return value

    def open(self, address: str) -> None:
        """Goes to an address and waits until the page is loaded."""
        self._left.add(self._origin)
        self._origin = "/".join(address.split("/")[:3]) + "/"
        self._left -= {"", self._origin}
        self.call("Page.navigate", url=address)
        self.wait_for(f"document.readyState === 'complete' && location.href.startsWith({address!r})")

    def screen(self, width: int, height: int, dark: bool = False, scale: float = 1) -> None:
        """Sets the size of the window, how many pixels of a screenshot one of its pixels has, and the colour scheme."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def screenshot(self, path: Path, whole: bool = True) -> None:
        """Saves the whole page, or what the window shows of it, as `.png` or `.webp`: what the path ends with."""
        data = self.call("Page.captureScreenshot", format=path.suffix[1:], captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Runtime.exceptionThrown":
            self.errors.append(str(message["params"]["exceptionDetails"].get("exception", {}).get("description")))
        if message.get("method") == "Log.entryAdded":
            entry = message["params"]["entry"]
            # That an earlier page's server has ended may be told after this page was opened.
            if entry["level"] == "error" and not entry.get("url", "").startswith(tuple(self._left)):
                self.errors.append(entry["text"])


@contextmanager
def browser() -> Iterator[Page]:
    """Starts Chromium with a fresh profile and gives its one tab."""
    program = chromium()
    assert program is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [program, *_OPTIONS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        try:
            with connect(_address(Path(profile), process), max_size=None, open_timeout=START_SECONDS) as connection:
                yield _page(connection)
        finally:
            process.kill()
            process.wait()
            process.stderr.close()


def _address(profile: Path, process: subprocess.Popen[str]) -> str:
    deadline = monotonic() + START_SECONDS
    port_file = profile / "DevToolsActivePort"
    while not (port_file.exists() and re.match(r"\d+\n/.+", port_file.read_text())):
        assert process.poll() is None and monotonic() < deadline, "Chromium does not start"
        sleep(0.05)
    port, path = port_file.read_text().split()
    return f"ws://127.0.0.1:{port}{path}"


def _page(connection: ClientConnection) -> Page:
    connection.send(json.dumps({"id": 0, "method": "Target.createTarget", "params": {"url": "about:blank"}}))
    target = _answer(connection, 0)["targetId"]
    attach = {"targetId": target, "flatten": True}
    connection.send(json.dumps({"id": 0, "method": "Target.attachToTarget", "params": attach}))
    main = Page(connection, _answer(connection, 0)["sessionId"])
    for domain in ("Page", "Runtime", "Log"):
        main.call(f"{domain}.enable")
    return main


def _answer(connection: ClientConnection, number: int) -> dict[str, Any]:
    while True:
        message = json.loads(connection.recv(timeout=START_SECONDS))
        if message.get("id") == number:
            return dict(message["result"])
