"""Waiting for what comes from other threads and processes."""

import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread, main_thread
from time import monotonic, sleep
from typing import TypeVar

Value = TypeVar("Value")

# Longer than anything here takes on a busy machine; only a failing test waits so long.
PATIENCE_SECONDS = 30.0
# The same for what trains in a process of its own.
TRAINING_SECONDS = 600.0


def eventually(get: Callable[[], Value], seconds: float = PATIENCE_SECONDS) -> Value:
    """What `get` gives, once that is true."""
    deadline = monotonic() + seconds
    while not (value := get()):
        assert monotonic() < deadline, "it never happened"
        sleep(0.01)
    return value


@contextmanager
def once_main_thread_is_in(function: str, do: Callable[[], object]) -> Iterator[None]:
    """Calls `do`, in a thread of its own, when the main thread has come to a function of this name in the block."""

    def wait() -> None:
        eventually(is_there)
        do()

    def is_there() -> bool:
        frame = sys._current_frames()[main_thread().ident or 0]
        return any(step.name == function for step in traceback.extract_stack(frame))

    thread = Thread(target=wait)
    thread.start()
    yield
    thread.join()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
