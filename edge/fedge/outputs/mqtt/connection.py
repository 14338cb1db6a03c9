"""TLS to an MQTT broker."""

import ssl
from pathlib import Path

from fedge.errors import OutputError


def tls_context(authority: Path | None) -> ssl.SSLContext:
    """TLS that checks the broker's certificate and name, by `authority` (PEM) or else by the system's authorities."""
    try:
        return ssl.create_default_context(cafile=authority)
    except (OSError, ssl.SSLError) as error:
        raise OutputError(f"{authority} is no certificate ({error})", "give --mqtt-ca a PEM file") from error
