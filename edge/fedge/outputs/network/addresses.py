"""ADDRESS:PORT, and the secrets that open what listens there."""

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from fedge.errors import OutputError


@dataclass(frozen=True)
class Address:
    """Where a server listens: a host name or IP address, and a port, 0 for any that is free."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it; a name other than localhost never counts as such."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


DEFAULTS = {"--web": Address("127.0.0.1", 8080), "--metrics": Address("127.0.0.1", 9464)}
"""Where each option's server listens if the user does not say."""


def parse_address(text: str, option: str) -> Address:
    """Reads ADDRESS:PORT, ADDRESS, :PORT or PORT, an IPv6 address in brackets; what is missing is the option's default.

    Raises OutputError.
    """
    default = DEFAULTS[option]
    if text.isdecimal():
        text = f":{text}"
    closed = text.rfind("]")
    host, colon, port = text.rpartition(":") if text.rfind(":") > closed else (text, "", "")
    host = host.removeprefix("[").removesuffix("]") or default.host
    number = int(port) if port.isdecimal() else default.port
    if (colon and not port.isdecimal()) or number > 65535 or (":" in host and closed < 0) or "/" in host:
        raise OutputError(f"{text!r} is no address", f"give {option} one like {default} or [::1]:{default.port}")
    return Address(host, number)


def read_secret(variable: str, path: Path | None, option: str) -> str | None:
    """A secret from a file's first line, or else from the environment; None where there is none. Raises OutputError."""
    if path is None:
        return os.environ.get(variable) or None
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(f"{path} cannot be read ({error})", f"give {option} a readable text file") from error
    if not lines or not lines[0]:
        raise OutputError(f"{path} has an empty first line", f"put the secret into it, or leave {option} out")
    return lines[0]


def names_loopback(host_header: str) -> bool:
    """Whether a request's Host header names this machine, as it does unless a web site had its own name point here."""
    closed = host_header.rfind("]")
    host = host_header.rpartition(":")[0] if host_header.rfind(":") > closed else host_header
    return Address(host.removeprefix("[").removesuffix("]").lower(), 0).is_loopback
