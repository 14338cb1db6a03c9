"""The token that opens a web page which other machines can reach."""

import secrets
import shutil
import socket
import sys

from fedge.errors import OutputError
from fedge.options import Address
from fedge.outputs.screen.half_blocks import can_show_blocks
from fedge.system.console import echo

LEAST_LENGTH = 16
# 128 bits cannot be guessed, and the address with them still fits into 80 columns.
_FRESH_BYTES = 16


def choose_token(given: str | None, address: Address) -> str | None:
    """The token to ask for: the one given, or a fresh one where other machines can reach the address; else None.

    Raises OutputError for a token that can be guessed, and where there is none and no terminal to show a fresh one on:
    what goes to a log may be read by others.
    """
    if given is not None:
        if len(given) < LEAST_LENGTH or not given.isascii() or not given.isprintable() or set(given) & set(' ";,\\\\'):
            raise OutputError(
                f"the web token must be {LEAST_LENGTH} or more ASCII characters without spaces, quotes, commas, "
                "semicolons or backslashes",
                'make one with `python3 -c "import secrets; print(secrets.token_urlsafe())"`',
            )
        return given
    if address.is_loopback:
        return None
    if not sys.stderr.isatty():
        raise OutputError(
            f"a web page on {address} needs a token", "set $FEDGE_WEB_TOKEN, give --web-token-file, or use 127.0.0.1"
        )
    return secrets.token_urlsafe(_FRESH_BYTES)


def announce(address: Address, token: str | None = None) -> None:
    """Says where the page is, on standard error, with a token if it is given.

    A terminal gets it as a QR code, too, where other machines can open it.
    """
    everywhere = address.host in ("0.0.0.0", "::")
    where = Address(_own_address() if everywhere else address.host, address.port)
    what = "web page (--web 0.0.0.0 lets others see it):" if address.is_loopback else "web page:"
    url = f"http://{where}/{f'?token={token}' if token else ''}"
    echo(f"{what} {url}")
    if not address.is_loopback and sys.stderr.isatty() and can_show_blocks(sys.stderr.encoding):
        from fedge.outputs.screen.qr_code import qr_code

        for line in qr_code(url, shutil.get_terminal_size().columns):
            print(line, file=sys.stderr)


def _own_address() -> str:
    """This machine's address in its network; its name where it has none. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # An address kept for documentation (RFC 5737): the system says from which of its own it would send.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])
