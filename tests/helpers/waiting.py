"""Waiting for what comes from other threads and processes."""

import socket
from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

Value = TypeVar("Value")

# Longer than anything here takes on a busy machine; only a failing test waits so long.
PATIENCE_SECONDS = 30.0


def eventually(get: Callable[[], Value], seconds: float = PATIENCE_SECONDS) -> Value:
    """What `get` gives, once that is true."""
    deadline = monotonic() + seconds
    while not (value := get()):
        assert monotonic() < deadline, "it never happened"
        sleep(0.01)
    return value


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
