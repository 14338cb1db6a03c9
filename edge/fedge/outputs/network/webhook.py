"""A POST to a web server when the decision changes."""

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

from fedge import __version__
from fedge.errors import OutputError
from fedge.options import WebhookUrl
from fedge.outputs.base import NeverTaken, Output
from fedge.outputs.payload import change
from fedge.runner.result import Result

TIMEOUT_SECONDS = 5.0
# Timeout, too early, too many requests: the server itself asks for another try.
_LATER = (408, 425, 429)
_PERHAPS_LATER = (*range(300, 400), 401, 403, 404, 405, 407, 409)
_MOST_TRIES = 3


class Webhook(Output):
    """Posts a JSON object per change of the decision, in order.

    What the server does not answer, or with 5xx, 408, 425 or 429, is posted again by the hub until it is taken. A
    change that is refused for good is left, and counted, so that the next can go on: at once where the server says
    that this very request is the fault, after three tries where it may be the address or the right to it (401, 403,
    404, 405, 407, 409 and redirects, none of which is followed).

    Args:
        url: where to; only its host is ever shown.
        timeout_seconds: for connecting, and for each read.
    """

    name, backlog = "webhook", 256

    def __init__(self, url: WebhookUrl, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._url, self._where, self._timeout = url.url, url.host, timeout_seconds
        self._opener = urllib.request.build_opener(_NoRedirects())
        self._refused: tuple[tuple[int, str], int] = ((-1, ""), 0)

    def wants(self, result: Result) -> bool:
        """Only changes."""
        return result.decision.changed

    def show(self, result: Result) -> None:
        """Posts the change; raises OutputError, and NeverTaken where no try would help."""
        request = urllib.request.Request(
            self._url,
            data=json.dumps(change(result), ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json", "User-Agent": f"fedge/{__version__}"},
        )
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                answer.read(1 << 16)
        except urllib.error.HTTPError as error:
            error.close()
            raise self._refusal(result, error.code) from error
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise OutputError(f"{self._where} cannot be reached ({reason})", "check the network") from error

    def _refusal(self, result: Result, code: int) -> OutputError:
        what, mend = f"{self._where} answers {code}", "check the address and the server"
        if code >= 500 or code in _LATER:
            return OutputError(what, mend)
        before, tries = self._refused
        this = (result.number, result.region)
        self._refused = (this, tries + 1 if before == this else 1)
        if code in _PERHAPS_LATER and self._refused[1] < _MOST_TRIES:
            return OutputError(what, mend)
        return NeverTaken(what, mend)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    # A redirected POST becomes a GET without its body: it would seem delivered and would not be.
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None
