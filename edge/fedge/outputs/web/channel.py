"""The newest of something, from the runner's threads to any number of web clients."""

import asyncio
from contextlib import suppress

MAX_CLIENTS = 8


class Channel:
    """Keeps only the newest bytes: a client that is slow gets fewer of them, and holds up nobody.

    `publish` may be called from any thread, all else from the event loop's.

    Attributes:
        clients: how many receive it.
        version: counts what was published.
    """

    def __init__(self) -> None:
        self.clients = 0
        self.version = 0
        self._newest = b""
        self._waiting: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self) -> None:
        """Binds to the running event loop."""
        self._loop, self._waiting = asyncio.get_running_loop(), asyncio.Event()

    def publish(self, data: bytes) -> None:
        """Makes `data` the newest."""
        if self._loop is not None:
            # The loop may end at any moment; then nobody is left to tell.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._set, data)

    async def newer_than(self, version: int) -> tuple[int, bytes]:
        """The newest bytes and their version, once that is above `version`."""
        while self.version <= version:
            assert self._waiting is not None
            await self._waiting.wait()
        return self.version, self._newest

    def _set(self, data: bytes) -> None:
        assert self._waiting is not None
        self._newest = data
        self.version += 1
        self._waiting.set()
        self._waiting = asyncio.Event()
