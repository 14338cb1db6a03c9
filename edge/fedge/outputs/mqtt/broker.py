"""Which MQTT broker, and under which topic."""

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from fedge.errors import OutputError

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_LONGEST_TOPIC = 200


@dataclass(frozen=True)
class Broker:
    """A broker's address, who logs in there, and the topic that all of a runner's own topics begin with."""

    host: str
    port: int
    topic: str
    user: str | None
    tls: bool


def parse_broker(url: str) -> Broker:
    """Reads mqtt://[USER@]HOST[:PORT][/TOPIC], or mqtts:// for TLS; raises OutputError.

    Without a topic it is `default_topic`. A password is refused: command lines can be read by all.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _no_broker(str(error)) from error
    if parts.password is not None:
        raise OutputError("--mqtt was given a password", "put it into $FEDGE_MQTT_PASSWORD or --mqtt-password-file")
    if parts.scheme not in _PORTS or not parts.hostname or set(url) & set("?#"):
        raise _no_broker("not mqtt:// or mqtts:// and a host")
    topic = unquote(parts.path).strip("/") or default_topic()
    if len(topic) > _LONGEST_TOPIC or not topic.isprintable() or topic.startswith("$") or set(topic) & set("+#"):
        raise _no_broker("a topic may not have + or #, nor begin with $")
    user = unquote(parts.username) if parts.username else None
    return Broker(parts.hostname, port or _PORTS[parts.scheme], topic, user, parts.scheme == "mqtts")


def default_topic() -> str:
    """`fedge/` and this machine's name, to which `claim_topic` adds what makes it this process's own."""
    return f"fedge/{socket.gethostname()}"


def tls_context(authority: Path | None) -> ssl.SSLContext:
    """TLS that checks the broker's certificate and name, by `authority` (PEM) or else by the system's authorities."""
    try:
        return ssl.create_default_context(cafile=authority)
    except (OSError, ssl.SSLError) as error:
        raise OutputError(f"{authority} is no certificate ({error})", "give --mqtt-ca a PEM file") from error


def _no_broker(why: str) -> OutputError:
    return OutputError(f"--mqtt was given no broker ({why})", "give one like mqtt://user@host:1883/topic")
