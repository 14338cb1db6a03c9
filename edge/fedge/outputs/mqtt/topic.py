"""Each process publishes under a topic of its own: two under one would take turns at saying offline."""

import hashlib
import socket
from dataclasses import replace
from itertools import count

from fedge.errors import OutputError
from fedge.options.addresses import Broker, default_topic
from fedge.system.console import echo
from fedge.system.machine import machine_digits

# Digits of a topic that are the machine's own.
_DIGITS = 6
# The system frees a socket's name when its process ends, however it does.
_claims: list[socket.socket] = []


def claim_topic(broker: Broker) -> Broker:
    """The broker with a topic that no other process of this machine publishes under; held until this process ends.

    The default topic gets a part that is the machine's own, as many are called `raspberrypi`, and a number where
    another process has it, which is said. Raises OutputError for a topic that was given and is in use.
    """
    if broker.topic != default_topic():
        if not _claim(broker):
            raise OutputError(
                f"another fedge on this machine publishes under {broker.topic}", "give --mqtt another topic after HOST/"
            )
        return broker
    first = replace(broker, topic=f"{broker.topic}-{machine_digits('fedge', _DIGITS)}")
    tries = (first if number == 1 else replace(first, topic=f"{first.topic}-{number}") for number in count(1))
    free = next(filter(_claim, tries))
    if free != first:
        echo(f"another fedge publishes under {first.topic}: this one does under {free.topic}; give a topic to keep it")
    return free


def _claim(broker: Broker) -> bool:
    name = hashlib.sha256(f"{broker.host}:{broker.port}/{broker.topic}".encode()).hexdigest()[:32]
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0fedge-mqtt-{name}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True
