"""Each example with the product itself, and with what it switches replaced: pins, a broker's other end."""

import importlib.util
import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from broker import Mosquitto, Subscriber, needs_mosquitto
from gpiozero import LED, AngularServo, Device
from gpiozero.pins.mock import MockFactory, MockPWMPin
from running import finish
from waiting import eventually

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
# gpiozero's own pins without hardware, for a program of its own.
NO_HARDWARE = {"GPIOZERO_PIN_FACTORY": "mock", "GPIOZERO_MOCK_PIN_CLASS": "mockpwmpin"}


@pytest.fixture
def pins() -> Iterator[MockFactory]:
    before = Device.pin_factory
    factory = Device.pin_factory = MockFactory(pin_class=MockPWMPin)
    yield factory
    factory.reset()
    Device.pin_factory = before


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures") / "samples"
    code, _, err = finish("samples", folder, "--count", 20)
    assert code == 0, err
    return folder


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_tested_and_listed() -> None:
    names = {path.name for path in EXAMPLES.iterdir() if path.is_file()}
    assert names == {"led.py", "servo.py", "home-assistant.yaml", "node-red.json"}
    page = (ROOT / "docs" / "how-to" / "examples.md").read_text()
    assert all(name in page for name in names)


def test_the_led_is_on_while_the_class_is_seen(pins: MockFactory, pictures: Path) -> None:
    code, out, err = finish("run", "base", "--source", pictures, "--json")
    assert code == 0, err
    decisions = [json.loads(line)["decision"] for line in out.splitlines()]
    label = next(decision for decision in decisions if decision)
    led = LED(17)
    pin = pins.pin(17)
    pin.clear_states()
    example("led").follow(io.StringIO(out), led, label)
    on = [decision == label for decision in decisions]
    changed = [now for before, now in zip([False, *on], on, strict=False) if now != before]
    assert [bool(state.state) for state in pin.states[1:]] == changed and any(changed)
    led.close()


def test_the_led_program_reads_what_run_prints(pictures: Path) -> None:
    fedge = f"{shlex.quote(sys.executable)} -m fedge run base --source {shlex.quote(str(pictures))} --json"
    led = f"{shlex.quote(sys.executable)} {shlex.quote(str(EXAMPLES / 'led.py'))} Bag"
    environment = {**os.environ, **NO_HARDWARE}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{fedge} | {led}"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_servo_turns_to_the_angle_of_the_class(pins: MockFactory) -> None:
    module = example("servo")
    servo = AngularServo(18, initial_angle=None)
    pin = pins.pin(18)
    widths = []
    for label in ("cup", "plant", "book", None):
        module.turn(servo, label, {"cup": -90.0, "plant": 90.0})
        # The share of the time that the pin is on, of 20 ms: a pulse of 1 ms is one end, of 2 ms the other.
        widths.append(pin.state * 20)
    assert widths == pytest.approx([1.0, 2.0, 1.5, 1.5])
    servo.close()


def test_run_starts_the_servo_program_on_each_change(pictures: Path) -> None:
    program = shlex.join([sys.executable, str(EXAMPLES / "servo.py"), "Bag=-60", "Ankle boot=60"])
    asked = [sys.executable, "-m", "fedge", "run", "base", "--source", str(pictures), "--json", "--frames", "3"]
    done = subprocess.run(
        [*asked, "--exec", program, "--exec-at-once", "3"],
        env={**os.environ, **NO_HARDWARE},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    turned = re.findall(r"^(.+): (-?\d+) degrees$", done.stderr, re.MULTILINE)
    changes = [line["decision"] for line in map(json.loads, done.stdout.splitlines()) if line["changed"]]
    # They run at once: any may be the first to say so.
    assert changes and sorted(label for label, _ in turned) == sorted(decision or "unknown" for decision in changes)
    angles = {"Bag": -60, "Ankle boot": 60}
    assert all(int(angle) == angles.get(label, 0) for label, angle in turned)


@needs_mosquitto
def test_home_assistant_and_node_red_read_what_run_publishes(pictures: Path, tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    subscriber = Subscriber(broker.port, "fedge/#", "homeassistant/#")
    try:
        url = f"mqtt://127.0.0.1:{broker.port}/fedge/kitchen"
        code, _, err = finish("run", "base", "--source", pictures, "--json", "--mqtt", url)
        assert code == 0, err
        eventually(lambda: "offline" in subscriber.on("fedge/kitchen/availability"))
        messages = {topic: json.loads(payload) for topic, payload, _ in subscriber.all() if payload.startswith("{")}
    finally:
        subscriber.close()
        broker.stop()
    announced = {m["default_entity_id"] for topic, m in messages.items() if topic.startswith("homeassistant/")}
    automations = yaml.safe_load((EXAMPLES / "home-assistant.yaml").read_text())
    assert {trigger["entity_id"] for each in automations for trigger in each["triggers"]} <= announced
    flow = {node["id"]: node for node in json.loads((EXAMPLES / "node-red.json").read_text())}
    for node in flow.values():
        assert all(target in flow for output in node.get("wires", ()) for target in output)
        if node["type"] == "mqtt in":
            for path in paths_behind(node, flow):
                assert path in messages[node["topic"]], (path, node["topic"])


def paths_behind(node: dict[str, Any], flow: dict[str, dict[str, Any]]) -> Iterator[str]:
    """The fields of a message that the nodes behind `node` look at."""
    for target in (target for output in node["wires"] for target in output):
        named = flow[target].get("property") or flow[target].get("complete")
        if "." in str(named):
            yield str(named).removeprefix("payload.")
        yield from paths_behind(flow[target], flow)
