"""A real mosquitto, with or without TLS, and a subscriber that outlives its restarts."""

import shutil
import signal
import socket
import subprocess
from pathlib import Path
from threading import Lock

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from waiting import eventually, free_port

PROGRAMS = (shutil.which("mosquitto"), "/usr/sbin/mosquitto")

# Saves after each change; by itself it saves every half hour.
DURABLE = ("autosave_interval 1", "autosave_on_changes true")


def mosquitto() -> str | None:
    """The program's path, None where it is not installed."""
    return next((path for path in PROGRAMS if path and Path(path).exists()), None)


needs_mosquitto = pytest.mark.skipif(
    mosquitto() is None, reason="mosquitto is not installed (apt-get install mosquitto)"
)


class Mosquitto:
    """A broker on a free loopback port that keeps sessions and retained messages over an orderly restart.

    With `DURABLE` among its settings it keeps them over a disorderly one too.
    """

    def __init__(self, folder: Path, *settings: str) -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", "allow_anonymous true", "persistence true"]
        # Started by root it would become the user mosquitto, who may not write here.
        lines += [f"persistence_location {folder}/", "user root", "max_queued_messages 0", *settings]
        self._config.write_text("\n".join(lines) + "\n")
        self.start()

    def start(self) -> None:
        """Starts it and waits until it listens."""
        program = mosquitto()
        assert program is not None
        self._process = subprocess.Popen(
            [program, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        eventually(self._listens)

    def stop(self) -> None:
        """Ends it with SIGTERM, upon which it saves its sessions."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()

    def kill(self) -> None:
        """Ends it with SIGKILL, so that it saves nothing any more."""
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Stops it from doing anything, its connections stay."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on."""
        self._process.send_signal(signal.SIGCONT)

    def _listens(self) -> bool:
        assert self._process.poll() is None, "mosquitto does not start"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Subscriber:
    """Keeps every message under some topics, by default `test/#` and Home Assistant's, in order."""

    def __init__(self, port: int, *topics: str) -> None:
        wanted = [(topic, 1) for topic in topics or ("test/#", "homeassistant/#")]
        self._lock = Lock()
        self._messages: list[tuple[str, str, bool]] = []
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="subscriber", clean_session=False)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda *_: self._client.subscribe(wanted)
        self._subscribed = False
        self._client.on_subscribe = self._on_subscribe
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        eventually(lambda: self._subscribed)

    def on(self, topic: str) -> list[str]:
        """The payloads so far on one topic."""
        with self._lock:
            return [payload for name, payload, _ in self._messages if name == topic]

    def all(self) -> list[tuple[str, str, bool]]:
        """Topic, payload and whether it was retained, of all so far."""
        with self._lock:
            return list(self._messages)

    def close(self) -> None:
        """Disconnects."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_subscribe(self, *_: object) -> None:
        self._subscribed = True

    def _on_message(self, client: Client, data: object, message: MQTTMessage) -> None:
        with self._lock:
            self._messages.append((message.topic, message.payload.decode(), message.retain))
