"""Named regions on MQTT, against a real mosquitto, and on the page."""

import json
from dataclasses import replace

import pytest
from broker import Mosquitto, Subscriber, needs_mosquitto
from browser import browser, needs_chromium
from results import result, snapshot
from waiting import eventually
from web_helpers import web_page

from fedge.options import Broker
from fedge.outputs.delivery.hub import Hub
from fedge.outputs.mqtt.client import Mqtt
from fedge.outputs.mqtt.home_assistant import discovery
from fedge.runner.health import Health
from fedge.runner.result import Result


def of_region(number: int, region: str, label: str) -> Result:
    return replace(result(number, label, changed=True), region=region, box=(0, 0, 32, 48))


def publish(port: int, regions: tuple[str, ...]) -> None:
    """A run of one frame."""
    hub = Hub([Mqtt(Broker("127.0.0.1", port, "test/shelf", None, False), regions=regions)], Health(), live=False)
    for region in regions or ("",):
        hub.show(of_region(0, region, f"{region} thing"))
    hub.drain()
    hub.close()


def kept(port: int) -> dict[str, str]:
    """What the broker keeps under both topics, as a new subscriber gets it."""
    subscriber = Subscriber(port)
    eventually(lambda: subscriber.on("test/shelf/availability"))
    messages = {topic: payload for topic, payload, _ in subscriber.all() if payload}
    subscriber.close()
    return messages


@needs_mosquitto
def test_each_region_has_a_topic_and_entities_of_its_own(server: Mosquitto) -> None:
    publish(server.port, ("gate", "bin-2"))
    messages = kept(server.port)
    assert json.loads(messages["test/shelf/gate/state"])["label"] == "gate thing"
    assert json.loads(messages["test/shelf/bin-2/state"])["region"] == "bin-2"
    assert "test/shelf/state" not in messages
    announced = {topic: payload for topic, payload in messages.items() if topic.startswith("homeassistant/")}
    assert announced == discovery("test/shelf", regions=("gate", "bin-2"))
    entity = json.loads(announced["homeassistant/sensor/fedge_test_shelf/bin-2_decision/config"])
    assert entity["state_topic"] == "test/shelf/bin-2/state"
    assert entity["default_entity_id"] == "sensor.fedge_test_shelf_bin_2_decision"
    ids = [json.loads(payload)["unique_id"] for payload in announced.values()]
    assert len(set(ids)) == len(ids) >= 6


@needs_mosquitto
@pytest.mark.parametrize("later", [("bin",), ()])
def test_what_an_earlier_run_announced_of_regions_that_are_gone_is_taken_back(
    server: Mosquitto, later: tuple[str, ...]
) -> None:
    publish(server.port, ("gate", "bin"))
    watching = Subscriber(server.port)
    publish(server.port, later)
    eventually(lambda: "" in watching.on("test/shelf/gate/state"))
    watching.close()
    messages = kept(server.port)
    assert {topic for topic in messages if topic.startswith("homeassistant/")} == set(
        discovery("test/shelf", regions=later)
    )
    assert "test/shelf/gate/state" not in messages


@needs_mosquitto
def test_another_runs_announcements_stay(server: Mosquitto) -> None:
    # Both topics have the same identifier.
    hub = Hub([Mqtt(Broker("127.0.0.1", server.port, "test/shelf", None, False), regions=("gate",))], Health())
    other = Hub([Mqtt(Broker("127.0.0.1", server.port, "test_shelf", None, False), regions=("bin",))], Health())
    subscriber = Subscriber(server.port)
    states = {"test/shelf/gate/state", "test_shelf/bin/state"}
    eventually(
        lambda: states <= {json.loads(body)["state_topic"] for _, body, _ in subscriber.all() if "state_" in body}
    )
    hub.close()
    other.close()
    assert not [topic for topic, payload, _ in subscriber.all() if not payload]
    subscriber.close()


@needs_chromium
def test_the_page_lists_every_regions_decision() -> None:
    with web_page(regions=("gate", "bin")) as page, browser() as tab:
        hub = Hub([page], Health())
        tab.open(f"http://127.0.0.1:{page.port}/")
        tab.wait_for("document.querySelectorAll('#bars li').length === 2")
        hub.show(of_region(0, "gate", "Bag"))
        hub.show(of_region(0, "bin", "Dress"))
        hub.health(snapshot())
        tab.wait_for("document.querySelectorAll('#regions dt').length === 2")
        texts = "[...document.querySelectorAll('#regions dl > div')].map((row) => row.textContent).join()"
        assert tab.value(texts) == "gateBag 70%,binDress 70%"
        assert tab.value("document.getElementById('decision').textContent") == "Bag"
        assert tab.value("document.querySelector('#changes li b').textContent") == "bin: Dress"
        hub.close()
        assert tab.errors == []
