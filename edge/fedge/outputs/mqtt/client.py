"""Decisions to an MQTT broker, with Home Assistant's discovery."""

import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Condition
from time import monotonic

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from fedge.errors import OutputError
from fedge.options import Broker
from fedge.outputs.base import Output
from fedge.outputs.mqtt.connection import make_client
from fedge.outputs.mqtt.home_assistant import OFFLINE, ONLINE, announced_state, discovery, filter_of, identifier
from fedge.outputs.mqtt.orders import obey
from fedge.outputs.mqtt.status import StatusReporter
from fedge.outputs.payload import change
from fedge.runner.health import HealthSnapshot
from fedge.runner.result import Result
from fedge.store.store import Store

KEEP_ALIVE_SECONDS = 30
HEALTH_SECONDS = 30.0
CONNECT_SECONDS, ACKNOWLEDGE_SECONDS, CLOSE_SECONDS = 2.0, 5.0, 0.5
_MEND = "check the broker, its address and the network"


class Mqtt(Output):
    """Publishes each change of the decision, in order, and goes on to the next when the broker has it (QoS 1).

    The first result counts as a change, since the broker may still keep what a run before this one decided; and on each
    new connection the last change is published again, since the broker may have lost it. Raises OutputError for a
    password without a user.

    Under the broker's topic: `state` (JSON, retained), `health` (JSON, retained), `availability` (`online` or, by the
    last will, `offline`), `status` (JSON, retained: which model runs and how well), and where the run follows the store
    `update` (JSON, retained: which model waits). There `command` takes the orders `install` and `rollback`, but only
    where fedge logged in at the broker with a password: on an open one anybody could give them. While the broker is
    away the hub keeps what is newest; the connection comes back by itself.

    With named regions each has a `state` of its own, under the topic and its name. What an earlier run announced to
    Home Assistant and this one does not, a region that is gone, is taken back.

    Args:
        broker: where to.
        password: never shown or logged.
        authority: a PEM file with the authority that vouches for a TLS broker; the system's own if None.
        acknowledge_seconds: how long a call waits for the broker to have a change.
        store: the one whose current model the run follows; None where it follows none.
        regions: the names of the run's regions; none where it has no named ones.
    """

    name, backlog, longest_pause_s = "mqtt", 256, 1.0

    def __init__(
        self,
        broker: Broker,
        password: str | None = None,
        authority: Path | None = None,
        acknowledge_seconds: float = ACKNOWLEDGE_SECONDS,
        store: Store | None = None,
        regions: Sequence[str] = (),
    ) -> None:
        self._acknowledge_seconds = acknowledge_seconds
        if password is not None and broker.user is None:
            raise OutputError("the MQTT password has no user", "give one, as in --mqtt mqtt://USER@HOST")
        self._topic = broker.topic
        self._reporter = StatusReporter(broker.topic, store)
        self._orders = store is not None and password is not None
        self._announced = discovery(broker.topic, store is not None, self._orders, regions)
        self._changed = Condition()
        self._acknowledged: set[int] = set()
        self._sent: Result | None = None
        self._message = 0
        self._connected = False
        self._address = f"{broker.host}:{broker.port}"
        self._problem = f"{self._address} does not answer"
        self._told_state: tuple[object, ...] = ()
        self._told_at = 0.0
        self._last_changes: dict[str, str] = {}
        self._may_be_lost = False
        self._client = make_client(broker, identifier(broker.topic)[:40], password, authority)
        self._client.will_set(f"{self._topic}/availability", OFFLINE, qos=1, retain=True)
        self._client.reconnect_delay_set(1, 16)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_message = self._on_message
        self._client.connect_async(broker.host, broker.port, KEEP_ALIVE_SECONDS)
        self._client.loop_start()

    def wants(self, result: Result) -> bool:
        """Only changes, and the first of all."""
        return result.number == 0 or result.decision.changed

    def show(self, result: Result) -> None:
        """Publishes a change and waits until the broker has it; raises OutputError."""
        if self._sent is not result:
            self._require_connection()
            # On a new connection paho sends again what was not acknowledged: the same result is given to it once.
            name = f"{result.region}/state" if result.region else "state"
            self._publish_lost(but=name)
            self._last_changes[name] = json.dumps(change(result), ensure_ascii=False)
            self._may_be_lost = False
            self._publish_awaited(name, self._last_changes[name])
            self._sent = result
        self._await_acknowledgement(self._acknowledge_seconds)

    def health(self, snapshot: HealthSnapshot) -> None:
        """Publishes the health when its state or a failing output changes, and now and then; raises OutputError."""
        self._require_connection()
        self._publish_lost()
        update = (snapshot.trial, snapshot.update_percent, snapshot.model)
        state = (snapshot.state, *snapshot.cameras.items(), *update, *snapshot.failing)
        if state != self._told_state or monotonic() - self._told_at >= HEALTH_SECONDS:
            self._publish("health", json.dumps(snapshot.to_json(), ensure_ascii=False), qos=0)
            self._publish_status(snapshot)
            self._told_state, self._told_at = state, monotonic()

    def close(self) -> None:
        """Says that it is offline and disconnects."""
        if self._connected:
            self._publish_awaited("availability", OFFLINE)
            with suppress(OutputError):
                self._await_acknowledgement(CLOSE_SECONDS)
        self._client.disconnect()
        self._client.loop_stop()

    def _publish_status(self, snapshot: HealthSnapshot) -> None:
        status, update = self._reporter.report(snapshot)
        self._publish("status", json.dumps(status.to_json(), ensure_ascii=False), qos=0)
        if update is not None:
            self._publish("update", json.dumps(update, ensure_ascii=False), qos=0)

    def _publish_lost(self, but: str = "") -> None:
        """Publishes again, on a new connection, what the broker may have lost."""
        if self._may_be_lost:
            self._may_be_lost = not self._last_changes
            for name, payload in self._last_changes.items():
                if name != but:
                    self._publish(name, payload, qos=1)

    def _publish_awaited(self, name: str, payload: str) -> None:
        with self._changed:
            self._acknowledged.clear()
        self._message = self._publish(name, payload, qos=1)

    def _publish(self, name: str, payload: str, qos: int) -> int:
        return self._client.publish(f"{self._topic}/{name}", payload, qos=qos, retain=True).mid

    def _await_acknowledgement(self, seconds: float) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._message in self._acknowledged, seconds):
                raise OutputError(self._problem or "the broker does not acknowledge", _MEND)

    def _require_connection(self) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._connected, CONNECT_SECONDS):
                raise OutputError(self._problem, _MEND)

    def _on_connect(
        self, client: Client, data: object, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._set_connected(False, f"the broker refuses the connection ({reason})")
            return
        client.subscribe(filter_of(self._topic), qos=1)
        for topic, payload in self._announced.items():
            client.publish(topic, payload, qos=1, retain=True)
        if self._orders:
            client.subscribe(f"{self._topic}/command", qos=1)
        client.publish(f"{self._topic}/availability", ONLINE, qos=1, retain=True)
        self._told_state, self._may_be_lost = (), True
        self._set_connected(True, "")

    def _on_connect_fail(self, client: Client, data: object) -> None:
        # paho gives no reason, but calls this while it handles the exception.
        self._set_connected(False, f"{self._address} cannot be reached ({sys.exception()})")

    def _on_disconnect(
        self, client: Client, data: object, flags: DisconnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if self._connected:
            self._set_connected(False, f"the connection to {self._address} is lost ({reason})")

    def _on_publish(
        self, client: Client, data: object, message: int, reason: ReasonCode, properties: Properties | None
    ) -> None:
        with self._changed:
            self._acknowledged.add(message)
            self._changed.notify_all()

    def _on_message(self, client: Client, data: object, message: MQTTMessage) -> None:
        if message.topic != f"{self._topic}/command":
            self._take_back(client, message)
            return
        # A retained order would be obeyed again on each new connection.
        if self._reporter.store is not None and not message.retain:
            obey(self._reporter.store, bytes(message.payload))

    def _take_back(self, client: Client, message: MQTTMessage) -> None:
        state = announced_state(self._topic, bytes(message.payload))
        if state is not None and message.retain and message.topic not in self._announced:
            client.publish(message.topic, b"", qos=1, retain=True)
            client.publish(state, b"", qos=1, retain=True)

    def _set_connected(self, connected: bool, problem: str) -> None:
        with self._changed:
            self._connected, self._problem = connected, problem
            self._changed.notify_all()
