"""All devices that publish their status at a broker, as they are now."""

import json
from dataclasses import fields, replace
from pathlib import Path
from threading import Event, Lock

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from fedge.errors import OutputError
from fedge.options import Broker
from fedge.outputs.mqtt.connection import make_client
from fedge.outputs.mqtt.home_assistant import OFFLINE
from fedge.outputs.mqtt.status import DeviceStatus

ANY = "fedge"
CONNECT_SECONDS = 10.0
_STATUS, _AVAILABILITY = "/status", "/availability"
_MEND = "check the broker, its address, the user and the password"


def read_devices(
    broker: Broker, topic: str, seconds: float, password: str | None = None, authority: Path | None = None
) -> list[DeviceStatus]:
    """The devices under `topic`, sorted by their own topics; those that are gone have the state `offline`.

    Listens for `seconds` after the broker has taken the subscription, in which it sends what is retained. Raises
    OutputError where the broker cannot be reached or refuses.
    """
    listener = _Listener(topic)
    client = make_client(broker, "fedge_fleet", password, authority)
    client.on_connect, client.on_subscribe, client.on_message = listener.connected, listener.subscribed, listener.take
    address = f"{broker.host}:{broker.port}"
    try:
        client.connect(broker.host, broker.port)
    except OSError as error:
        raise OutputError(f"{address} cannot be reached ({error})", _MEND) from error
    client.loop_start()
    try:
        if not listener.settled.wait(CONNECT_SECONDS) or listener.problem:
            raise OutputError(f"{address}: {listener.problem or 'the broker does not answer'}", _MEND)
        # There is no end of what is retained that a broker would tell.
        Event().wait(seconds)
    finally:
        client.disconnect()
        client.loop_stop()
    return listener.devices()


class _Listener:
    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._lock = Lock()
        self._statuses: dict[str, DeviceStatus] = {}
        self._offline: set[str] = set()
        self.problem, self.settled = "", Event()

    def connected(
        self, client: Client, data: object, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self.problem = f"the broker refuses the connection ({reason})"
            self.settled.set()
            return
        client.subscribe(f"{self._topic}/#", qos=1)

    def subscribed(
        self, client: Client, data: object, message: int, reasons: list[ReasonCode], properties: Properties | None
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self.problem = f"the broker refuses a subscription to {self._topic}/#"
        self.settled.set()

    def take(self, client: Client, data: object, message: MQTTMessage) -> None:
        name, payload = message.topic, bytes(message.payload)
        with self._lock:
            if name.endswith(_STATUS):
                device = name.removesuffix(_STATUS)
                self._statuses.pop(device, None)
                if (status := parse_status(payload)) is not None:
                    self._statuses[device] = replace(status, device=device)
            elif name.endswith(_AVAILABILITY):
                device = name.removesuffix(_AVAILABILITY)
                (self._offline.add if payload == OFFLINE.encode() else self._offline.discard)(device)

    def devices(self) -> list[DeviceStatus]:
        with self._lock:
            return [
                replace(status, state=OFFLINE, healthy=False) if device in self._offline else status
                for device, status in sorted(self._statuses.items())
            ]


def parse_status(payload: bytes) -> DeviceStatus | None:
    """A status as a device published it; None where the message is no such status. Fields of a later fedge are left."""
    try:
        value = json.loads(payload)
    except ValueError:
        return None
    names = {field.name for field in fields(DeviceStatus)}
    if not isinstance(value, dict) or not names <= set(value):
        return None
    known = {name: value[name] for name in names}
    texts = names - {"healthy", "trial", "fps", "faults", "unknown_rate", "temperature_c", "throttled"}
    right = (
        all(isinstance(known[name], str) for name in texts)
        and all(isinstance(known[name], bool) for name in ("healthy", "trial"))
        and all(_is_number(known[name]) for name in ("fps", "faults"))
        and all(known[name] is None or _is_number(known[name]) for name in ("unknown_rate", "temperature_c"))
        and (known["throttled"] is None or isinstance(known["throttled"], list))
    )
    if not right:
        return None
    throttled = known["throttled"]
    return DeviceStatus(**known | {"throttled": None if throttled is None else tuple(map(str, throttled))})


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
