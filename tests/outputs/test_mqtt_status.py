"""What a device says of itself at a real broker, what may be ordered of it, and all devices in one table."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from broker import Mosquitto, Subscriber, needs_mosquitto
from paho.mqtt.publish import single
from results import result, snapshot
from support import fedge, one_line_error
from waiting import eventually, free_port

from fedge.model.shipped import shipped_models
from fedge.options import Broker
from fedge.outputs.mqtt.client import Mqtt
from fedge.outputs.mqtt.devices import parse_status
from fedge.outputs.mqtt.orders import obey
from fedge.runner.health import Health, HealthSnapshot, ModelFacts
from fedge.store.newest import last_failure, waiting_model
from fedge.store.store import Store
from fedge.system.machine import temperature


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store whose current model is the first of two; the second waits."""
    store = Store(tmp_path / "store")
    first, second = (shipped_models()[name] for name in ("small", "nano"))
    store.use(store.add(first, "1"))
    store.add(second, "2")
    return store


def running(store: Store) -> HealthSnapshot:
    facts = ModelFacts("small", 10, "file", (store.current or "")[:12], "0.1.0")
    return replace(snapshot(), model=facts, unknown_rate=0.25)


@needs_mosquitto
def test_the_status_says_which_model_runs_and_which_waits(server: Mosquitto, store: Store) -> None:
    subscriber = Subscriber(server.port)
    output = Mqtt(Broker("127.0.0.1", server.port, "test/shelf", None, False), store=store)
    output.health(running(store))
    eventually(lambda: subscriber.on("test/shelf/update"))
    status = json.loads(subscriber.on("test/shelf/status")[-1])
    assert (status["model"], status["version"], status["latest_version"]) == ("small", "1", "2")
    assert (status["fps"], status["unknown_rate"], status["trial"], status["healthy"]) == (24.5, 0.25, False, True)
    update = json.loads(subscriber.on("test/shelf/update")[-1])
    assert (update["installed_version"], update["latest_version"], update["in_progress"]) == ("1", "2", False)
    assert "points below float" in update["release_summary"] and len(update["release_summary"]) <= 255
    output.health(replace(running(store), update_percent=40))
    eventually(lambda: len(subscriber.on("test/shelf/update")) == 2)
    update = json.loads(subscriber.on("test/shelf/update")[-1])
    assert (update["in_progress"], update["update_percentage"]) == (True, 40)
    # Without a password nothing can be ordered.
    topics = [topic for topic, _, _ in subscriber.all()]
    config = next(json.loads(p) for t, p, _ in subscriber.all() if t.startswith("homeassistant/update/"))
    assert "command_topic" not in config and not any("/button/" in topic for topic in topics)
    single("test/shelf/command", "install", qos=1, hostname="127.0.0.1", port=server.port)
    output.show(result(0, changed=True))
    assert store.find("1").sha256 == store.current
    output.close()
    subscriber.close()


@needs_mosquitto
def test_with_a_password_a_model_is_installed_and_taken_back(tmp_path: Path, store: Store) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "pi", "secret"], check=True)
    server = Mosquitto(tmp_path, f"password_file {passwords}")
    login = {"username": "pi", "password": "secret"}
    subscriber = Subscriber(server.port)
    output = Mqtt(Broker("127.0.0.1", server.port, "test/shelf", "pi", False), "secret", store=store)
    output.health(running(store))
    eventually(lambda: any("/button/" in topic for topic, _, _ in subscriber.all()))
    config = next(json.loads(p) for t, p, _ in subscriber.all() if t.startswith("homeassistant/update/"))
    assert (config["command_topic"], config["payload_install"]) == ("test/shelf/command", "install")
    for order, version in (("install", "2"), ("rollback", "1")):
        single("test/shelf/command", order, qos=1, hostname="127.0.0.1", port=server.port, auth=login)
        eventually(lambda version=version: store.current == store.find(version).sha256)
    # What ran and came back does not wait any more, and was asked for: it did not fail.
    journal = store.journal()
    assert waiting_model(journal, store.current) is None and last_failure(journal) == ""
    output.close()
    subscriber.close()
    server.stop()


def test_an_order_that_cannot_be_carried_out_changes_nothing(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    before = store.journal()
    for order in (b"rollback", b"erase", b"\xff"):
        obey(store, order)
        assert "an order over MQTT was not carried out" in capsys.readouterr().err
    assert store.journal() == before


@needs_mosquitto
def test_the_fleet_is_a_table_and_an_offline_device_an_error(server: Mosquitto, store: Store) -> None:
    url = f"mqtt://127.0.0.1:{server.port}/test"
    assert "no device" in fedge("fleet", "status", "--mqtt", url, "--seconds", 0.3).out
    shelf, door = (Mqtt(Broker("127.0.0.1", server.port, f"test/{name}", None, False)) for name in ("shelf", "door"))
    for output in (shelf, door):
        output.health(running(store))
        output.show(result(0, changed=True))
    good = fedge("fleet", "status", "--mqtt", url, "--seconds", 0.5)
    assert good.code == 0 and "test/door" in good.out and "2 devices, 0 in error" in good.out
    door.close()
    bad = fedge("fleet", "status", "--mqtt", url, "--seconds", 0.5, "--json")
    report = json.loads(bad.out)
    assert bad.code == 1 and (report["count"], report["in_error"]) == (2, 1)
    assert [device["error"] for device in report["devices"]] == ["offline", ""]
    shelf.close()


def test_a_broker_that_is_not_there_is_one_line() -> None:
    done = fedge("fleet", "status", "--mqtt", f"mqtt://127.0.0.1:{free_port()}")
    assert done.code == 1 and "cannot be reached" in one_line_error(done)


@pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b'{"device": "x"}', b"\xff"])
def test_what_is_no_status_is_left(payload: bytes) -> None:
    assert parse_status(payload) is None


def test_the_rate_of_unknown_answers_is_that_of_the_last_frames() -> None:
    health = Health()
    assert health.snapshot().unknown_rate is None
    for number in range(4):
        health.count_frame(0.0, unknown=number == 0)
    assert health.snapshot().unknown_rate == 0.25


def test_the_temperature_is_in_degrees(tmp_path: Path) -> None:
    zone = tmp_path / "temp"
    zone.write_text("48312\n")
    assert temperature(zone) == 48.3
    assert temperature(tmp_path / "none") is None
