"""HTTP connections that must say what they want soon."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS = 10.0


class RequestTimeoutProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, which by itself waits for ever for the rest of a request, and so for its connection's place.

    A first request must be complete `request_seconds` after its client connected, each later one as long after its
    first byte.
    """

    request_seconds = REQUEST_SECONDS
    _closing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client connected."""
        super().connection_made(transport)
        self._expect_request()

    def data_received(self, data: bytes) -> None:
        """A client sent something."""
        super().data_received(data)
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._expect_request()
        else:
            self._expect_nothing()

    def connection_lost(self, exc: Exception | None) -> None:
        """A client has gone."""
        self._expect_nothing()
        super().connection_lost(exc)

    def _expect_request(self) -> None:
        if self._closing is None:
            self._closing = self.loop.call_later(self.request_seconds, self.transport.close)

    def _expect_nothing(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None


def with_request_timeout(seconds: float) -> type[RequestTimeoutProtocol]:
    """The protocol with another `request_seconds`: uvicorn is given a class."""
    return type("RequestTimeoutProtocol", (RequestTimeoutProtocol,), {"request_seconds": seconds})
