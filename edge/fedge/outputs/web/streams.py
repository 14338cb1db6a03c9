"""Answers that go on: pictures as MJPEG, states as server-sent events."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from fedge.outputs.web.channel import MAX_CLIENTS, Channel

BOUNDARY = b"fedge"
# Proxies and pages take a stream without news for dead.
IDLE_SECONDS = 5.0


class Stream:
    """An ASGI answer of everything that a channel carries; one too many is refused, one that does not read is dropped.

    Args:
        channel: where the news comes from.
        content_type: of the answer.
        frame: makes a message of the news; of b"" a message without news, or b"" for none.
        greeting: what comes first.
        send_seconds: how long one message may take to get out.
    """

    def __init__(
        self,
        channel: Channel,
        content_type: str,
        frame: Callable[[bytes], bytes],
        greeting: Callable[[], bytes],
        send_seconds: float,
    ) -> None:
        self._channel, self._content_type, self._frame = channel, content_type, frame
        self._greeting, self._send_seconds = greeting, send_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Streams until the client goes, or does not read what it is sent."""
        if self._channel.clients >= MAX_CLIENTS:
            refusal = PlainTextResponse(f"{MAX_CLIENTS} are watching already", 503, {"Retry-After": "10"})
            await refusal(scope, receive, send)
            return
        self._channel.clients += 1
        try:
            async with asyncio.TaskGroup() as tasks:
                streaming = tasks.create_task(self._stream(send))
                await _disconnected(receive, streaming)
                streaming.cancel()
        finally:
            self._channel.clients -= 1

    async def _stream(self, send: Send) -> None:
        headers = [(b"content-type", self._content_type.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        # Only what comes from now on: the newest picture may be as old as the last visit.
        version, message = self._channel.version, self._greeting()
        # A client that does not take a message in time is dropped: it can come again.
        with suppress(TimeoutError):
            while True:
                if message:
                    async with asyncio.timeout(self._send_seconds):
                        await send({"type": "http.response.body", "body": message, "more_body": True})
                version, message = await self._next(version)

    async def _next(self, version: int) -> tuple[int, bytes]:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                version, news = await self._channel.newer_than(version)
        except TimeoutError:
            return version, self._frame(b"")
        return version, self._frame(news)


async def _disconnected(receive: Receive, streaming: asyncio.Task[None]) -> None:
    async def listen() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    listening = asyncio.create_task(listen())
    await asyncio.wait([listening, streaming], return_when=asyncio.FIRST_COMPLETED)
    listening.cancel()


def part(jpeg: bytes) -> bytes:
    """A part of an MJPEG stream, with its boundary; nothing of nothing."""
    if not jpeg:
        return b""
    head = b"--%s\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % (BOUNDARY, len(jpeg))
    return head + jpeg + b"\r\n"


def event(data: bytes) -> bytes:
    """A server-sent event of one line of data; of nothing a comment, which keeps the connection alive."""
    return b"data: %s\n\n" % data if data else b": still here\n\n"
