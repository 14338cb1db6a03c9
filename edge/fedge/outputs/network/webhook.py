"""A POST to a web server when the decision changes."""

import json
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

from fedge import __version__
from fedge.errors import OutputError
from fedge.options import WebhookUrl
from fedge.outputs.base import Output
from fedge.outputs.payload import change
from fedge.runner.result import Result

TIMEOUT_SECONDS = 5.0


class Webhook(Output):
    """Posts a JSON object per change of the decision, in order.

    What the server answers with anything but 2xx, or not in time, is posted again by the hub. It follows no
    redirects.

    Args:
        url: where to; only its host is ever shown.
        timeout_seconds: for connecting, and for each read.
    """

    name, backlog = "webhook", 256

    def __init__(self, url: WebhookUrl, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._url, self._where, self._timeout = url.url, url.host, timeout_seconds
        self._opener = urllib.request.build_opener(_NoRedirects())

    def wants(self, result: Result) -> bool:
        """Only changes."""
        return result.decision.changed

    def show(self, result: Result) -> None:
        """Posts the change; raises OutputError."""
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
            raise OutputError(f"{self._where} answers {error.code}", "check the address and the server") from error
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise OutputError(f"{self._where} cannot be reached ({reason})", "check the network") from error


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    # A redirected POST becomes a GET without its body: it would seem delivered and would not be.
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None
