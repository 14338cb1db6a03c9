"""Where outputs listen and where they send: ADDRESS:PORT, an MQTT broker, a webhook. Each is parsed once."""

from dataclasses import dataclass, field

from fedge.errors import OutputError

_MQTT_PORTS = {"mqtt": 1883, "mqtts": 8883}
_LONGEST_TOPIC = 200


@dataclass(frozen=True)
class Address:
    """Where a server listens: a host name or IP address, and a port, 0 for any that is free."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it; a name other than localhost never counts as such."""
        import ipaddress

        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


DEFAULT_ADDRESSES = {"--web": Address("127.0.0.1", 8080), "--metrics": Address("127.0.0.1", 9464)}
"""Where each option's server listens if the user does not say."""


def parse_address(text: str, option: str) -> Address:
    """Reads ADDRESS:PORT, ADDRESS, :PORT or PORT, an IPv6 address in brackets; what is missing is the option's default.

    Raises OutputError.
    """
    default = DEFAULT_ADDRESSES[option]
    if text.isdecimal():
        text = f":{text}"
    closed = text.rfind("]")
    host, colon, port = text.rpartition(":") if text.rfind(":") > closed else (text, "", "")
    host = host.removeprefix("[").removesuffix("]") or default.host
    number = int(port) if port.isdecimal() else default.port
    if (colon and not port.isdecimal()) or number > 65535 or (":" in host and closed < 0) or "/" in host:
        raise OutputError(f"{text!r} is no address", f"give {option} one like {default} or [::1]:{default.port}")
    return Address(host, number)


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
    from urllib.parse import unquote, urlsplit

    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _no_broker(str(error)) from error
    if parts.password is not None:
        raise OutputError("--mqtt was given a password", "put it into $FEDGE_MQTT_PASSWORD or --mqtt-password-file")
    if parts.scheme not in _MQTT_PORTS or not parts.hostname or set(url) & set("?#"):
        raise _no_broker("not mqtt:// or mqtts:// and a host")
    topic = unquote(parts.path).strip("/") or default_topic()
    if len(topic) > _LONGEST_TOPIC or not topic.isprintable() or topic.startswith("$") or set(topic) & set("+#"):
        raise _no_broker("a topic may not have + or #, nor begin with $")
    user = unquote(parts.username) if parts.username else None
    return Broker(parts.hostname, port or _MQTT_PORTS[parts.scheme], topic, user, parts.scheme == "mqtts")


def default_topic() -> str:
    """`fedge/` and this machine's name, to which `claim_topic` adds what makes it a process's own."""
    import socket

    return f"fedge/{socket.gethostname()}"


def _no_broker(why: str) -> OutputError:
    return OutputError(f"--mqtt was given no broker ({why})", "give one like mqtt://user@host:1883/topic")


@dataclass(frozen=True)
class WebhookUrl:
    """An http or https URL. Its path or query may hold a token: only `host` may be shown."""

    url: str = field(repr=False)
    host: str


def parse_webhook(url: str) -> WebhookUrl:
    """Reads an http or https URL without a user; raises OutputError, which shows nothing of it."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        # `port` raises ValueError where it is no number.
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    plain = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password or not plain:
        raise OutputError(
            "--webhook needs an http or https URL, without a user in it", "give one like https://host/path"
        )
    return WebhookUrl(url, parts.hostname)
