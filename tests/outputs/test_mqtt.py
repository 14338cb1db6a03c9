"""MQTT against a real mosquitto: killed and restarted, with TLS, with a last will."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from broker import DURABLE, Mosquitto, Subscriber, needs_mosquitto
from results import result, snapshot
from waiting import eventually, free_port

from fedge.errors import OutputError
from fedge.options import Broker, parse_broker
from fedge.outputs.delivery.hub import Hub
from fedge.outputs.mqtt.client import Mqtt
from fedge.outputs.mqtt.topic import claim_topic
from fedge.runner.health import Health, OutputStatus
from fedge.runner.result import Result


def changes(subscriber: Subscriber) -> list[int]:
    """The numbers of the frames whose changes arrived, each where it came first.

    QoS 1 is at least once: the broker itself sends again what a subscriber had not acknowledged when it went down.
    """
    return list(dict.fromkeys(json.loads(payload)["frame"] for payload in subscriber.on("test/shelf/state")))


@needs_mosquitto
def test_changes_arrive_in_order_and_other_results_do_not(server: Mosquitto) -> None:
    subscriber = Subscriber(server.port)
    hub = Hub([Mqtt(Broker("127.0.0.1", server.port, "test/shelf", None, False))], Health())
    for number in range(30):
        hub.show(result(number, "Bag" if number else None, changed=number % 3 == 0))
    eventually(lambda: len(changes(subscriber)) == 10)
    hub.close()
    assert changes(subscriber) == list(range(0, 30, 3))
    first, second = map(json.loads, subscriber.on("test/shelf/state")[:2])
    assert first["label"] is None
    assert second == {
        "label": "Bag",
        "score": 0.7,
        "since": "2026-01-02T03:04:08.000Z",
        "frame": 3,
        "source": "memory",
        "model_sha256": "",
    }
    eventually(lambda: subscriber.on("test/shelf/availability") == ["online", "offline"])
    subscriber.close()
    late = Subscriber(server.port)
    eventually(lambda: late.on("test/shelf/state"))
    late.close()


@needs_mosquitto
def test_the_last_state_is_retained_for_who_comes_later(server: Mosquitto) -> None:
    hub = Hub([Mqtt(Broker("127.0.0.1", server.port, "test/shelf", None, False))], Health())
    hub.show(result(0, changed=True))
    hub.health(snapshot())
    hub.close()
    late = Subscriber(server.port)
    eventually(lambda: {topic for topic, _, _ in late.all()} >= {f"test/shelf/{n}" for n in ("state", "availability")})
    assert all(retained for _, _, retained in late.all())
    assert late.on("test/shelf/availability") == ["offline"]
    late.close()


@needs_mosquitto
def test_home_assistant_finds_everything_it_needs(server: Mosquitto) -> None:
    subscriber = Subscriber(server.port)
    hub = Hub([Mqtt(Broker("127.0.0.1", server.port, "test/shelf", None, False))], Health())
    hub.health(snapshot())
    hub.show(result(0, changed=True))
    published = {f"test/shelf/{name}" for name in ("availability", "health", "state", "status")}
    eventually(lambda: {topic for topic, _, _ in subscriber.all()} >= published)
    configs = {t.split("/")[3]: json.loads(p) for t, p, _ in subscriber.all() if t.startswith("homeassistant/")}
    # A machine that says how hot it is has more.
    assert set(configs) >= {"decision", "score", "rate", "problem"}
    assert len({config["unique_id"] for config in configs.values()}) == len(configs)
    for config in configs.values():
        assert config["device"]["identifiers"] == ["fedge_test_shelf"]
        assert {config["state_topic"], *(entry["topic"] for entry in config["availability"])} <= published
    # A decision from before the camera was lost must not stand there as one of now.
    assert "test/shelf/health" in {entry["topic"] for entry in configs["decision"]["availability"]}
    assert json.loads(subscriber.on("test/shelf/health")[0])["state"] == "running"
    hub.close()
    subscriber.close()


@needs_mosquitto
@pytest.mark.parametrize(("settings", "end"), [((), Mosquitto.stop), (DURABLE, Mosquitto.kill)], ids=["TERM", "KILL"])
def test_nothing_is_lost_and_the_order_stays_when_the_broker_restarts_under_load(
    tmp_path: Path, settings: tuple[str, ...], end: Callable[[Mosquitto], None]
) -> None:
    server = Mosquitto(tmp_path, *settings)
    subscriber = Subscriber(server.port)
    health = Health()
    output = Mqtt(Broker("127.0.0.1", server.port, "test/shelf", None, False))
    output.longest_pause_s = 0.1
    hub = Hub([output], health)
    number = 0
    for _ in range(3):
        arrived = number + 10
        while len(changes(subscriber)) < arrived:
            hub.show(result(number, changed=True))
            number += 1
            eventually(lambda least=number - 100: len(changes(subscriber)) > least)
        end(server)
        for _ in range(50):
            hub.show(result(number, changed=True))
            number += 1
        eventually(lambda: health.snapshot().outputs["mqtt"].failing)
        server.start()
        eventually(lambda wanted=number: len(changes(subscriber)) >= wanted)
    hub.close()
    subscriber.close()
    server.stop()
    assert changes(subscriber) == list(range(number))
    assert health.snapshot().outputs == {"mqtt": OutputStatus("ok")}


@needs_mosquitto
def test_beyond_the_bound_the_oldest_go_and_are_counted(tmp_path: Path) -> None:
    server = Mosquitto(tmp_path)
    subscriber = Subscriber(server.port)
    server.stop()
    health = Health()
    output = Mqtt(Broker("127.0.0.1", server.port, "test/shelf", None, False))
    output.backlog, output.longest_pause_s = 20, 0.1
    hub = Hub([output], health)
    for number in range(100):
        hub.show(result(number, changed=True))
    eventually(lambda: health.snapshot().outputs["mqtt"].failing)
    server.start()
    eventually(lambda: changes(subscriber)[-1:] == [99])
    # The queue holds 20; one more may have been with the output when the queue ran over.
    arrived = changes(subscriber)
    assert arrived[-20:] == list(range(80, 100))
    assert len(arrived) in (20, 21)
    eventually(lambda: health.snapshot().outputs["mqtt"] == OutputStatus("ok", dropped=100 - len(arrived)))
    hub.close()
    subscriber.close()
    server.stop()


@needs_mosquitto
def test_an_acknowledgement_that_comes_late_is_not_forgotten_over_a_health(server: Mosquitto) -> None:
    subscriber = Subscriber(server.port)
    output = Mqtt(Broker("127.0.0.1", server.port, "test/shelf", None, False), acknowledge_seconds=0.3)
    output.health(snapshot())
    coat, shirt = result(0, "Coat", changed=True), result(1, "Shirt", changed=True)
    server.freeze()
    with pytest.raises(OutputError, match="does not acknowledge"):
        output.show(coat)
    server.thaw()
    eventually(lambda: changes(subscriber) == [0])
    output.health(snapshot("waiting"))
    eventually(lambda: _takes(output, coat))
    # A busy machine may take longer than the short time that is waited here; the hub would try again, too.
    eventually(lambda: _takes(output, shirt))
    eventually(lambda: changes(subscriber) == [0, 1])
    output.close()
    subscriber.close()


def _takes(output: Mqtt, result: Result) -> bool:
    with suppress(OutputError):
        output.show(result)
        return True
    return False


@needs_mosquitto
def test_the_decision_of_an_earlier_run_does_not_stand_for_a_later_one(server: Mosquitto) -> None:
    subscriber = Subscriber(server.port)
    broker = Broker("127.0.0.1", server.port, "test/shelf", None, False)
    for first in (result(0, "Coat", changed=True), result(0, None)):
        hub = Hub([Mqtt(broker)], Health())
        hub.show(first)
        hub.show(result(1))
        eventually(lambda label=first.decision.label: _labels(subscriber)[-1:] == [label])
        hub.close()
    assert _labels(subscriber) == ["Coat", None]
    subscriber.close()


@needs_mosquitto
def test_an_output_that_fails_is_a_problem_at_once(server: Mosquitto) -> None:
    subscriber = Subscriber(server.port)
    health = Health()
    health.count_frame(0.0)
    hub = Hub([Mqtt(Broker("127.0.0.1", server.port, "test/shelf", None, False))], health)
    hub.health(health.snapshot())
    eventually(lambda: subscriber.on("test/shelf/health"))
    # The next one is due half a minute later, but for this.
    health.set_output("recording", OutputStatus("failing", "no space left"))
    hub.health(health.snapshot())
    eventually(lambda: len(subscriber.on("test/shelf/health")) == 2)
    first, second = map(json.loads, subscriber.on("test/shelf/health"))
    assert (first["healthy"], second["healthy"]) == (True, False)
    assert second["outputs"]["recording"] == "failing: no space left"
    problem = next(p for t, p, _ in subscriber.all() if t.startswith("homeassistant/binary_sensor/"))
    assert json.loads(problem)["value_template"] == "{{ 'OFF' if value_json.healthy else 'ON' }}"
    hub.close()
    subscriber.close()


@needs_mosquitto
def test_a_broker_that_has_lost_everything_is_told_the_decision_again(server: Mosquitto) -> None:
    subscriber = Subscriber(server.port)
    hub = Hub([Mqtt(Broker("127.0.0.1", server.port, "test/shelf", None, False))], Health())
    hub.show(result(0, "Coat", changed=True))
    eventually(lambda: _labels(subscriber) == ["Coat"])
    subscriber.close()
    # It has saved nothing yet.
    server.kill()
    server.start()
    late = Subscriber(server.port)
    assert _labels(late) == []
    hub.health(snapshot())
    eventually(lambda: _labels(late) == ["Coat"])
    hub.close()
    late.close()


def _labels(subscriber: Subscriber) -> list[str | None]:
    return [json.loads(payload)["label"] for payload in subscriber.on("test/shelf/state")]


_RUNS = """
import sys
from results import result
from fedge.options import Broker
from fedge.outputs.mqtt.client import Mqtt
from fedge.outputs.mqtt.topic import claim_topic
output = Mqtt(Broker("127.0.0.1", int(sys.argv[1]), "test/shelf", None, False))
output.show(result(0, changed=True))
print("shown", flush=True)
sys.stdin.read()
"""


@needs_mosquitto
def test_the_last_will_says_offline_when_the_runner_is_killed(server: Mosquitto) -> None:
    subscriber = Subscriber(server.port)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", _RUNS, str(server.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as runner:
        assert runner.stdout is not None
        assert runner.stdout.readline() == b"shown\n"
        eventually(lambda: subscriber.on("test/shelf/availability") == ["online"])
        runner.send_signal(signal.SIGKILL)
        eventually(lambda: subscriber.on("test/shelf/availability") == ["online", "offline"])
    subscriber.close()


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def authority(folder: Path, name: str) -> Path:
    """Makes an authority, NAME.pem and NAME.key."""
    subject = ["-subj", f"/CN={name}", "-days", "2", "-nodes", "-newkey", "rsa:2048"]
    openssl(folder, "req", "-x509", "-keyout", f"{name}.key", "-out", f"{name}.pem", *subject)
    return folder / f"{name}.pem"


@needs_mosquitto
# paho leaves a socket whose handshake failed to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
def test_tls_is_checked_against_the_right_authority_and_refused_by_the_wrong_one(tmp_path: Path) -> None:
    right, wrong = authority(tmp_path, "right"), authority(tmp_path, "wrong")
    openssl(tmp_path, "req", "-nodes", "-newkey", "rsa:2048", "-keyout", "b.key", "-out", "b.csr", "-subj", "/CN=b")
    (tmp_path / "names").write_text("subjectAltName=IP:127.0.0.1")
    signing = ["-CA", "right.pem", "-CAkey", "right.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
    openssl(tmp_path, "x509", "-req", "-in", "b.csr", "-out", "b.pem", *signing)
    server = Mosquitto(tmp_path, f"certfile {tmp_path}/b.pem", f"keyfile {tmp_path}/b.key")
    broker = Broker("127.0.0.1", server.port, "test/shelf", None, tls=True)
    good = Mqtt(broker, authority=right)
    good.show(result(0, changed=True))
    good.close()
    for refused in (Mqtt(broker, authority=wrong), Mqtt(broker)):
        with pytest.raises(OutputError, match="certificate verify failed"):
            eventually(lambda refused=refused: refused.show(result(0, changed=True)))
        refused.close()
    server.stop()


@needs_mosquitto
def test_a_wrong_password_is_refused_and_never_said(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "pi", "right-secret"], check=True)
    server = Mosquitto(tmp_path, f"password_file {passwords}", "allow_anonymous false")
    broker = Broker("127.0.0.1", server.port, "test/shelf", "pi", False)
    good = Mqtt(broker, "right-secret")
    good.show(result(0, changed=True))
    good.close()
    bad = Mqtt(broker, "wrong-secret")
    with pytest.raises(OutputError, match="refuses") as refused:
        bad.show(result(0, changed=True))
    assert "secret" not in str(refused.value)
    bad.close()
    server.stop()


def test_a_password_without_a_user_is_refused_and_never_said() -> None:
    with pytest.raises(OutputError, match="mqtt://USER@HOST") as refused:
        Mqtt(Broker("127.0.0.1", free_port(), "test/shelf", None, False), "hunter2")
    assert "hunter2" not in str(refused.value)


def test_a_broker_that_is_not_there_degrades_the_output_only() -> None:
    health = Health()
    hub = Hub([Mqtt(Broker("127.0.0.1", free_port(), "test/shelf", None, False))], health)
    hub.show(result(0, changed=True))
    eventually(lambda: "Connection refused" in health.snapshot().outputs["mqtt"].reason)
    hub.close()


_CLAIMS = """
import sys
from fedge.options import parse_broker
from fedge.outputs.mqtt.topic import claim_topic
print(claim_topic(parse_broker(sys.argv[1])).topic, flush=True)
sys.stdin.read()
"""


def test_two_processes_have_a_topic_each_and_one_that_was_given_is_refused_to_the_second(
    capsys: pytest.CaptureFixture[str],
) -> None:
    port = free_port()
    default, given = f"mqtt://127.0.0.1:{port}", f"mqtt://127.0.0.1:{port}/test/shelf"
    command = [sys.executable, "-c", _CLAIMS]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with ExitStack() as stack:
        others = [
            stack.enter_context(
                subprocess.Popen([*command, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
            )
            for url in (default, given)
        ]
        first, _ = (other.stdout.readline().decode().strip() for other in others if other.stdout)
        assert re.fullmatch(rf"fedge/{re.escape(socket.gethostname())}-[0-9a-f]{{6}}", first)
        assert claim_topic(parse_broker(default)).topic == f"{first}-2"
        assert capsys.readouterr().err.startswith(f"fedge: another fedge publishes under {first}: ")
        with pytest.raises(OutputError, match="another fedge on this machine publishes under test/shelf"):
            claim_topic(parse_broker(given))
        # Another broker's topics are others.
        assert claim_topic(parse_broker(f"mqtt://127.0.0.1:{free_port()}/test/shelf")).topic == "test/shelf"
        for other in others:
            other.kill()
    # With its process a claim has gone.
    assert claim_topic(parse_broker(given)).topic == "test/shelf"


def test_brokers_are_read_from_urls() -> None:
    assert parse_broker("mqtt://pi@host:1884/a/b%20c/") == Broker("host", 1884, "a/b c", "pi", False)
    assert parse_broker("mqtts://host/a") == Broker("host", 8883, "a", None, True)
    assert parse_broker("mqtt://host").topic.startswith("fedge/")


@pytest.mark.parametrize(
    "url",
    ["http://host", "mqtt://", "host:1883", "mqtt://host:x/a", "mqtt://host/a/#", "mqtt://host/$SYS", "mqtt://h/%00"],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(OutputError, match="--mqtt"):
        parse_broker(url)


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(OutputError, match="FEDGE_MQTT_PASSWORD") as refused:
        parse_broker("mqtt://pi:hunter2@host/a")
    assert "hunter2" not in str(refused.value)
