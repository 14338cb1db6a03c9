"""A client of an MQTT broker, logged in and encrypted as the broker's address asks for."""

import secrets
import ssl
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from fedge.errors import OutputError
from fedge.options import Address, Broker
from fedge.system.console import echo


def make_client(broker: Broker, name: str, password: str | None, authority: Path | None) -> Client:
    """A client that is not connected yet, whose id begins with `name` and is its own.

    Says where a password would go over the network unencrypted. Raises OutputError as `tls_context` does.
    """
    client = Client(CallbackAPIVersion.VERSION2, client_id=f"{name}_{secrets.token_hex(4)}")
    if broker.user is not None:
        client.username_pw_set(broker.user, password)
    if broker.tls:
        client.tls_set_context(tls_context(authority))
    elif password and not Address(broker.host, broker.port).is_loopback:
        echo("the MQTT password goes over the network unencrypted; use mqtts:// to encrypt it")
    return client


def tls_context(authority: Path | None) -> ssl.SSLContext:
    """TLS that checks the broker's certificate and name, by `authority` (PEM) or else by the system's authorities."""
    try:
        return ssl.create_default_context(cafile=authority)
    except (OSError, ssl.SSLError) as error:
        raise OutputError(f"{authority} is no certificate ({error})", "give --mqtt-ca a PEM file") from error
