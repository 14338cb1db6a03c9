"""`fedge release promote --mqtt` looks at the devices first, at a real broker."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from broker import Mosquitto, mosquitto
from releases import Maker
from results import result, snapshot
from support import Finished, fedge, one_line_error

from fedge.cli.device.release import _share
from fedge.commands.device import release as work
from fedge.model.shipped import shipped_models
from fedge.options import Broker
from fedge.outputs.mqtt.client import Mqtt
from fedge.runner.health import ModelFacts

pytestmark = pytest.mark.skipif(mosquitto() is None, reason="mosquitto is not installed (apt-get install mosquitto)")
FACTS = ModelFacts("small", 10, "file", "0" * 12, "0.1.0")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path)
    yield broker
    broker.stop()


def publish(broker: Mosquitto, name: str) -> Mqtt:
    """A device that runs well until it is closed."""
    output = Mqtt(Broker("127.0.0.1", broker.port, f"test/{name}", None, False))
    output.health(replace(snapshot(), model=FACTS))
    output.show(result(0, changed=True))
    return output


def promote(maker: Maker, broker: Mosquitto, *options: object) -> Finished:
    where = ("--repo", maker.repo, "--keys", maker.keys.folders[0], "--mqtt", f"mqtt://127.0.0.1:{broker.port}/test")
    return fedge("release", "promote", *where, "--percent", 50, "--seconds", 0.5, *options)


def percent(maker: Maker) -> int:
    return work.status(maker.repo).releases[0].percent


def test_a_release_goes_to_more_devices_only_while_few_are_in_error(maker: Maker, broker: Mosquitto) -> None:
    maker.add(shipped_models()["nano"], "1", 10)
    none = promote(maker, broker)
    assert none.code == 3 and "no device has published" in one_line_error(none)
    shelf, door = publish(broker, "shelf"), publish(broker, "door")
    door.close()
    refused = promote(maker, broker, "--most-errors", "2%")
    assert refused.code == 3 and "1 of 2 devices are in error (test/door: offline)" in one_line_error(refused)
    assert percent(maker) == 10
    assert promote(maker, broker, "--most-errors", "50%").code == 0 and percent(maker) == 50
    shelf.close()


def test_what_is_no_share_is_refused(maker: Maker) -> None:
    assert (_share("2%"), _share("2.5"), _share("0")) == (2.0, 2.5, 0.0)
    folder = ("release", "promote", "--repo", maker.repo)
    for options, why in (
        (("--mqtt", "mqtt://127.0.0.1", "--most-errors", "many"), "no share of devices"),
        (("--most-errors", "2%"), "needs --mqtt"),
    ):
        done = fedge(*folder, *options)
        assert done.code == 2 and why in one_line_error(done)
