"""What programs ask the page's server: `POST /api/classify` and `GET /api/info`."""

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import cv2
import numpy as np
import pytest
from running import finish, running
from waiting import eventually, free_port
from web_helpers import TOKEN, connect, web_page

from fedge import __version__
from fedge.model.classifier import Classifier, load
from fedge.options import DecisionOptions
from fedge.outputs.web import api
from fedge.outputs.web.api import MOST_WAITING, PictureClassifier
from fedge.outputs.web.server import WebPage

# What depends on the clock, or on where the picture came from.
_VARYING = ("source", "time", "age_ms", "preprocess_ms", "infer_ms", "frame")
CLASSIFY, INFO = "/api/classify", "/api/info"


def ask(port: int, path: str, body: bytes | None = None, method: str = "POST", **headers: str) -> tuple[int, Any]:
    """Status and parsed JSON of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def sample(seed: int, suffix: str = ".jpg") -> bytes:
    """A picture file of blurred noise."""
    noise = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    return cv2.imencode(suffix, cv2.resize(noise, (320, 240), interpolation=cv2.INTER_CUBIC))[1].tobytes()


@pytest.fixture
def page(classifier: Classifier) -> Iterator[WebPage]:
    """A page on this machine alone, with a model behind it."""
    with web_page(pictures=PictureClassifier(lambda: classifier, DecisionOptions())) as page:
        yield page


def test_a_picture_gets_the_line_that_run_prints_beside_a_running_loop(tmp_path: Path) -> None:
    pictures = [tmp_path / f"{seed}{suffix}" for seed, suffix in enumerate((".jpg", ".png", ".webp", ".bmp"))]
    for seed, path in enumerate(pictures):
        path.write_bytes(sample(seed, path.suffix))
    code, out, err = finish("run", "--source", tmp_path, "--json", "--enter", 0.5)
    assert code == 0, err
    expected = [json.loads(line) for line in out.splitlines()]
    port = free_port()
    arguments = ("--source", tmp_path, "--loop", "--json", "--enter", 0.5, "--web", port)
    with running("run", *arguments) as process, ThreadPoolExecutor(4) as pool:
        assert process.stdout is not None
        drain = pool.submit(process.stdout.read)
        eventually(lambda: is_open(port))
        answers = list(pool.map(lambda path: ask(port, CLASSIFY, path.read_bytes()), pictures * 3))
        process.terminate()
        drain.result()
    assert [status for status, _ in answers] == [200] * 12
    fixed = [{k: v for k, v in line.items() if k not in _VARYING} for line in expected]
    assert [{k: v for k, v in line.items() if k not in _VARYING} for _, line in answers] == fixed * 3
    assert {frozenset(line) for _, line in answers} == {frozenset(line) for line in expected}
    assert sorted(line["frame"] for _, line in answers) == list(range(12))


def is_open(port: int) -> bool:
    try:
        return ask(port, INFO, method="GET")[0] == 200
    except OSError:
        return False


def test_info_says_what_answers(page: WebPage, classifier: Classifier) -> None:
    status, info = ask(page.port, INFO, method="GET")
    recipe, below = classifier.model.manifest.preprocessing, classifier.model.manifest.confidence.reject_below
    assert (status, info["labels"], info["sha256"]) == (200, list(classifier.labels), classifier.model.sha256)
    assert (info["model"], info["build"], info["version"]) == ("base", info["sha256"][:12], __version__)
    assert tuple(info["input"][key] for key in ("height", "width", "channels")) == recipe.shape
    thresholds = info["thresholds"]
    assert (thresholds["reject"], thresholds["normal"], thresholds["enter"]) == ("normal", below.normal, 0.6)


def test_another_model_of_the_run_answers_the_next_picture(classifier: Classifier) -> None:
    models = [classifier]
    pictures = PictureClassifier(lambda: models[0], DecisionOptions())
    assert pictures.classify(sample(0))["model_sha256"] == classifier.model.sha256
    models[0] = load("small")
    assert pictures.classify(sample(0))["model_sha256"] == models[0].model.sha256 == pictures.info()["sha256"]


@pytest.mark.parametrize(
    ("body", "headers", "status", "error"),
    [
        (b"", {}, 400, "no picture"),
        (b"no picture", {}, 415, "cannot be decoded"),
        (sample(0), {"Content_Type": "multipart/form-data; boundary=x"}, 415, "within a form"),
        (b"\xff\xd8" + bytes(300), {}, 415, "cannot be decoded"),
    ],
)
def test_what_is_no_picture_is_refused(
    page: WebPage, body: bytes, headers: dict[str, str], status: int, error: str
) -> None:
    refused, answer = ask(page.port, CLASSIFY, body, **headers)
    assert (refused, sorted(answer)) == (status, ["error", "mend"])
    assert error in answer["error"]
    assert ask(page.port, CLASSIFY, sample(0))[0] == 200


def test_what_is_too_large_is_refused_before_it_is_read(page: WebPage, monkeypatch: pytest.MonkeyPatch) -> None:
    with connect(page) as connection:
        connection.sendall(b"POST /api/classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n")
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 413 ")
    monkeypatch.setattr(api, "MOST_BYTES", 1000)
    with connect(page) as connection:
        head = b"POST /api/classify HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head + b"3e9\r\n" + bytes(1001) + b"\r\n")
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 413 ")


def test_too_many_at_once_are_asked_to_come_again(classifier: Classifier) -> None:
    may_go, came = Event(), []

    class Slow(PictureClassifier):
        def classify(self, data: bytes) -> dict[str, Any]:
            came.append(data)
            may_go.wait(30)
            return super().classify(data)

    with (
        web_page(pictures=Slow(lambda: classifier, DecisionOptions())) as page,
        ThreadPoolExecutor(MOST_WAITING) as pool,
    ):
        waiting = [pool.submit(ask, page.port, CLASSIFY, sample(i)) for i in range(MOST_WAITING)]
        eventually(lambda: len(came) == MOST_WAITING)
        status, answer = ask(page.port, CLASSIFY, sample(9))
        may_go.set()
        assert (status, answer["mend"]) == (503, "send it again in a second")
        assert [future.result()[0] for future in waiting] == [200] * MOST_WAITING


def test_the_token_is_asked_for_and_not_taken_from_the_address(classifier: Classifier) -> None:
    pictures = PictureClassifier(lambda: classifier, DecisionOptions())
    with web_page(TOKEN, "0.0.0.0", pictures=pictures) as page:
        for path, body, method in ((CLASSIFY, sample(0), "POST"), (INFO, None, "GET")):
            for wrong in (path, f"{path}?token={TOKEN}"):
                status, answer = ask(page.port, wrong, body, method)
                assert (status, answer["mend"]) == (401, "send the header Authorization: Bearer TOKEN")
            assert ask(page.port, path, body, method, Authorization="Bearer wrong")[0] == 401
            assert ask(page.port, path, body, method, Authorization=f"Bearer {TOKEN}")[0] == 200


def test_other_methods_addresses_and_sites_are_refused(page: WebPage) -> None:
    assert ask(page.port, CLASSIFY, method="GET")[0] == 405
    assert ask(page.port, INFO, b"x")[0] == 405
    status, answer = ask(page.port, "/api/nothing", method="GET")
    assert (status, answer["mend"]) == (404, "there are POST /api/classify and GET /api/info")
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=30)
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    connection.request("POST", CLASSIFY, sample(0), foreign)
    assert connection.getresponse().status == 403
    connection.close()


def test_without_a_model_there_are_no_such_addresses() -> None:
    with web_page() as page:
        assert ask(page.port, INFO, method="GET")[0] == 404
