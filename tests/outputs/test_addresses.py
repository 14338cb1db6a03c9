"""Where the page and the metrics are: said where the user does not know it, and only there."""

import re
import socket
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.request import HTTPCookieProcessor, build_opener

import pytest
from web_helpers import TOKEN

from fedge.model.classifier import Classifier
from fedge.options import Address
from fedge.options.outputs import MetricsOptions, WebOptions
from fedge.outputs.factory import WEB_TOKEN, Run, open_outputs
from fedge.runner.health import Health


def status(url: str) -> int:
    """What a browser gets, which keeps cookies and follows redirections."""
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    try:
        with browser.open(url.replace(socket.gethostname(), "127.0.0.1"), timeout=5) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_was_free_and_a_fresh_token_are_said(
    classifier: Classifier, host: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    outputs = open_outputs(
        [MetricsOptions(Address("127.0.0.1", 0)), WebOptions(Address(host, 0))],
        Run(classifier.labels, classifier.model.manifest.preprocessing, Health()),
    )
    try:
        metrics, page = re.findall(r"http://\S+", capsys.readouterr().err)
        assert status(metrics) == status(page) == 200
        # Where other machines can reach it, the address without the token opens nothing.
        assert status(page.partition("?token=")[0]) == (200 if host == "127.0.0.1" else 401)
    finally:
        for output in outputs:
            output.close()


@pytest.mark.parametrize("given", [None, TOKEN])
def test_what_the_user_gave_is_not_said(
    classifier: Classifier, given: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if given:
        monkeypatch.setenv(WEB_TOKEN, given)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for output in open_outputs(
        [WebOptions(Address("127.0.0.1", port))],
        Run(classifier.labels, classifier.model.manifest.preprocessing, Health()),
    ):
        output.close()
    assert capsys.readouterr().err == ""
