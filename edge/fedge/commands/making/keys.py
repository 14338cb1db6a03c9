"""Keys pressed in a terminal, read one by one without waiting for a line."""

import os
import select
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from fedge.errors import FedgeError


class Keys:
    """The keys of a terminal, by its file descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def pressed(self) -> str:
        """What was pressed since the last call, without waiting; a terminal that was closed counts as `q`."""
        keys = b""
        while select.select([self._descriptor], [], [], 0)[0]:
            try:
                read = os.read(self._descriptor, 256)
            except OSError:
                read = b""
            if not read:
                return keys.decode(errors="replace") + "q"
            keys += read
        return keys.decode(errors="replace")


@contextmanager
def keys_of(descriptor: int) -> Iterator[Keys]:
    """The keys of a terminal, which does not echo them meanwhile; raises FedgeError where it is no terminal."""
    if not os.isatty(descriptor):
        raise FedgeError("there is no keyboard to teach by", "run it in a terminal, or give folders with --data")
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield Keys(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
