"""One of several cameras is lost: the others go on, and every output says which one it is."""

import io
import json
import signal
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
from broker import Mosquitto, Subscriber, needs_mosquitto
from browser import browser, needs_chromium
from jinja2 import Template
from mjpeg_server import MjpegServer, mjpeg_server
from results import result, snapshot
from running import finish, next_line, running
from waiting import eventually
from web_helpers import web_page

from fedge.options import Address
from fedge.outputs.delivery.hub import Hub
from fedge.outputs.mqtt.home_assistant import discovery
from fedge.outputs.network.prometheus import Metrics
from fedge.outputs.screen.terminal import LiveLine
from fedge.runner.cameras import JoinedHealth
from fedge.runner.health import Health


@pytest.fixture
def streams(tmp_path: Path) -> Iterator[tuple[MjpegServer, MjpegServer, Path]]:
    """Two cameras, yard and door, and a file that names them."""
    with mjpeg_server() as yard, mjpeg_server() as door:
        path = tmp_path / "streams.toml"
        tables = [
            f'[[camera]]\nname = "{name}"\nsource = "{server.url}"\nmodel = "{model}"\n'
            for name, server, model in (("yard", yard, "nano"), ("door", door, "small"))
        ]
        path.write_text("stall-after = 0.5\n" + "".join(tables))
        yield yard, door, path


def regions_until(process: Popen[str], is_enough: Callable[[list[str]], bool]) -> None:
    """Reads on, until the regions of the lines read are enough."""
    read: list[str] = []
    while not is_enough(read):
        read.append(next_line(process)["region"])


def told(process: Popen[str], words: str) -> None:
    """Waits for a line with these words on standard error."""
    assert process.stderr is not None
    while words not in (line := process.stderr.readline()):
        assert line, f"it never said {words}"


def test_a_camera_that_stalls_comes_back_while_the_other_goes_on(
    streams: tuple[MjpegServer, MjpegServer, Path], tmp_path: Path
) -> None:
    yard, door, path = streams
    database = tmp_path / "log.db"
    with running("run", "--config", path, "--json", "--sqlite", database) as process:
        regions_until(process, lambda seen: len(set(seen)) == 2)
        yard.stalled.set()
        told(process, f"fedge: yard: {yard.url} gave no frame for 0.5 s")
        regions_until(process, lambda seen: seen[-50:] == ["door"] * 50)
        yard.stalled.clear()
        regions_until(process, lambda seen: seen[-1:] == ["yard"])
        told(process, "fedge: yard: frames come again")
        # One of them hangs: Ctrl-C ends both.
        door.stalled.set()
        told(process, f"fedge: door: {door.url} gave no frame")
        process.send_signal(signal.SIGINT)
        process.communicate()
        assert process.returncode == 130
    with sqlite3.connect(database) as opened:
        kept = opened.execute("SELECT region, count(DISTINCT model_sha256) FROM answers GROUP BY region").fetchall()
    opened.close()
    assert kept == [("door", 1), ("yard", 1)]


def test_a_camera_that_is_not_there_at_the_start_is_given_up_or_waited_for(
    streams: tuple[MjpegServer, MjpegServer, Path],
) -> None:
    _, door, path = streams
    door.die()
    code, out, err = finish("run", "--config", path, "--json", "--frames", 3)
    assert code == 1 and [json.loads(line)["region"] for line in out.splitlines()] == ["yard"] * 3
    assert f"door: {door.url} cannot be opened" in err
    with running("run", "--config", path, "--json", "--wait") as process:
        told(process, f"door: {door.url} cannot be opened")
        regions_until(process, lambda seen: seen[-1:] == ["yard"])
        door.start()
        regions_until(process, lambda seen: seen[-1:] == ["door"])
        process.send_signal(signal.SIGTERM)
        process.communicate()
        assert process.returncode == 0


def test_a_camera_that_is_lost_hides_at_home_assistant_and_in_the_metrics_only_its_own() -> None:
    health = JoinedHealth(["yard", "door"])
    for camera in health.cameras.values():
        camera.count_frame(0.0)
    health.cameras["yard"].set_state("waiting")
    seen = health.snapshot().to_json()
    available = {
        entity["state_topic"]: Template(entity["availability"][1]["value_template"]).render(value_json=seen)
        for entity in map(json.loads, discovery("house", regions=("yard/gate", "yard/bin", "door")).values())
        if entity["state_topic"].endswith("/state")
    }
    assert available == {
        "house/yard/gate/state": "offline",
        "house/yard/bin/state": "offline",
        "house/door/state": "online",
    }
    (gate, *_) = (json.loads(each) for each in discovery("house", regions=("gate",)).values())
    for state, said in (("running", "online"), ("waiting", "offline")):
        alone = snapshot(state).to_json()
        assert Template(gate["availability"][1]["value_template"]).render(value_json=alone) == said
    metrics = Metrics(Address("127.0.0.1", 0), health)
    try:
        text = metrics.text()
        assert 'fedge_camera_running{camera="yard"} 0' in text and 'fedge_camera_running{camera="door"} 1' in text
    finally:
        metrics.close()


@needs_mosquitto
def test_the_health_at_the_broker_follows_each_camera(
    streams: tuple[MjpegServer, MjpegServer, Path], tmp_path: Path
) -> None:
    yard, door, path = streams
    server = Mosquitto(tmp_path)
    subscriber = Subscriber(server.port)
    states: Callable[[], list[Any]] = lambda: [  # noqa: E731
        json.loads(message)["cameras"] for message in subscriber.on("test/house/health")
    ]
    with running("run", "--config", path, "--mqtt", f"mqtt://127.0.0.1:{server.port}/test/house") as process:
        eventually(lambda: {"yard": "running", "door": "running"} in states())
        yard.stalled.set()
        eventually(lambda: {"yard": "waiting", "door": "running"} in states())
        # The state of all of them together does not change with the second.
        door.stalled.set()
        eventually(lambda: {"yard": "waiting", "door": "waiting"} in states())
        process.send_signal(signal.SIGTERM)
        process.communicate()
        assert process.returncode == 0
    subscriber.close()
    server.stop()


@needs_chromium
def test_the_page_shows_what_runs_and_says_which_camera_is_away() -> None:
    names = ("yard", "door")
    with web_page(regions=names) as page, browser() as tab:
        hub = Hub([page], Health())
        tab.open(f"http://127.0.0.1:{page.port}/")
        tab.wait_for("document.querySelectorAll('#bars li').length === 2")
        away = replace(snapshot("waiting", "door: it is gone"), cameras={"yard": "running", "door": "waiting"})

        def show_both() -> None:
            for name in names:
                hub.show(replace(result(0), region=name))

        while not tab.value("document.body.dataset.pictures"):
            show_both()
            hub.health(away)
        rows = "[...document.querySelectorAll('#regions dl > div')].map((row) => row.textContent).join()"
        tab.wait_for(f"{rows} === 'yardBag 70%,doorwaiting'")
        tab.wait_for("!document.getElementById('answer').hidden")
        assert tab.value("document.getElementById('status').dataset.state") == "waiting"
        assert not tab.value("document.getElementById('picture').classList.contains('stale')")
        hub.health(replace(away, cameras={"yard": "waiting", "door": "running"}))
        tab.wait_for("document.getElementById('picture').classList.contains('stale')")
        assert tab.value("document.getElementById('answer').hidden")
        tab.errors.clear()
        hub.close()


def test_the_live_line_says_of_each_camera_that_it_waits() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    live = LiveLine(stream := Terminal())
    for name in ("yard/gate", "door"):
        live.show(replace(result(0), region=name))
    live.health(replace(snapshot("waiting", "yard: gone"), cameras={"yard": "waiting", "door": "running"}))
    assert stream.getvalue().split("\r")[-1].startswith("yard/gate: waiting  door: Bag 75%  24.5 frames/s")
    live.health(replace(snapshot("waiting", "door: gone"), cameras={"yard": "waiting", "door": "waiting"}))
    assert stream.getvalue().split("\r")[-1].startswith("waiting: door: gone")
    live.close()
