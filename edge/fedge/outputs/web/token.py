"""The token that opens a web page which other machines can reach."""

import secrets
import socket
import sys

from fedge.errors import OutputError
from fedge.options import Address
from fedge.system.console import echo

LEAST_LENGTH = 16


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
    return secrets.token_urlsafe()


def announce(address: Address, token: str | None = None) -> None:
    """Says where the page is, on standard error, with a token if it is given."""
    host = socket.gethostname() if address.host in ("0.0.0.0", "::") else address.host
    echo(f"the web page is at http://{Address(host, address.port)}/{f'?token={token}' if token else ''}")
