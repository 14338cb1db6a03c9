"""Home Assistant's MQTT discovery: one device with the decision, its score, the rate, and whether all is well."""

import json
import re
from collections.abc import Sequence

from fedge import __version__
from fedge.options import camera_of
from fedge.outputs.mqtt.orders import INSTALL, ROLLBACK
from fedge.system.json_types import Json, JsonObject
from fedge.system.machine import temperature, throttling

PREFIX = "homeassistant"
ONLINE, OFFLINE = "online", "offline"

# An answer from before the camera was lost must not look like one of now.
_RUNNING = "{{ 'online' if value_json.state == 'running' else 'offline' }}"
# The loss of one of several cameras must not hide what the others see.
_CAMERA_RUNNING = "{{ 'online' if value_json.cameras.get('%s', value_json.state) == 'running' else 'offline' }}"


def discovery(topic: str, updates: bool = False, orders: bool = False, regions: Sequence[str] = ()) -> dict[str, str]:
    """The retained messages that make Home Assistant list a runner that publishes under `topic`: topic to JSON.

    With `updates` the model can be updated, with `orders` from there. Each of the named `regions` has a decision and a
    score of its own.
    """
    identity = identifier(topic)
    connected: JsonObject = {"topic": f"{topic}/availability"}
    entities: dict[tuple[str, str], JsonObject] = {
        **_answers(topic, connected, regions),
        ("sensor", "rate"): {
            "name": "Frames per second",
            "state_topic": f"{topic}/health",
            "value_template": "{{ value_json.frames_per_second | round(1) }}",
            "state_class": "measurement",
            "entity_category": "diagnostic",
            "availability": [connected],
        },
        ("binary_sensor", "problem"): {
            "name": "Problem",
            "state_topic": f"{topic}/health",
            "value_template": "{{ 'OFF' if value_json.healthy else 'ON' }}",
            "device_class": "problem",
            "entity_category": "diagnostic",
            "availability": [connected],
        },
    }
    entities |= _machine(topic, connected)
    if updates:
        entities |= _updates(topic, connected, orders)
    device = {"identifiers": [identity], "name": topic, "manufacturer": "fedge", "sw_version": __version__}
    shared = {"device": device, "availability_mode": "all", "origin": {"name": "fedge", "sw_version": __version__}}
    return {
        f"{PREFIX}/{kind}/{identity}/{entity}/config": json.dumps(
            {
                **body,
                **shared,
                "unique_id": f"{identity}_{entity}",
                "default_entity_id": f"{kind}.{_slug(identity, entity)}",
            }
        )
        for (kind, entity), body in entities.items()
    }


def _machine(topic: str, connected: JsonObject) -> dict[tuple[str, str], JsonObject]:
    """What this machine can say of itself."""
    common: JsonObject = {
        "state_topic": f"{topic}/status",
        "entity_category": "diagnostic",
        "availability": [connected],
    }
    entities: dict[tuple[str, str], JsonObject] = {}
    if temperature() is not None:
        entities["sensor", "temperature"] = {
            "name": "Temperature",
            "value_template": "{{ value_json.temperature_c }}",
            "device_class": "temperature",
            "unit_of_measurement": "°C",
            "state_class": "measurement",
            **common,
        }
    if throttling() is not None:
        entities["binary_sensor", "throttled"] = {
            "name": "Throttled",
            "value_template": "{{ 'ON' if value_json.throttled else 'OFF' }}",
            "device_class": "problem",
            "json_attributes_topic": f"{topic}/status",
            **common,
        }
    return entities


def _updates(topic: str, connected: JsonObject, orders: bool) -> dict[tuple[str, str], JsonObject]:
    update: JsonObject = {
        "name": "Model",
        "state_topic": f"{topic}/update",
        "entity_category": "config",
        "availability": [connected],
    }
    if not orders:
        return {("update", "model"): update}
    command: JsonObject = {"command_topic": f"{topic}/command"}
    rollback: JsonObject = {
        "name": "Previous model",
        "payload_press": ROLLBACK,
        "entity_category": "config",
        "availability": [connected],
    }
    install: JsonObject = {"payload_install": INSTALL}
    return {("update", "model"): update | command | install, ("button", "rollback"): rollback | command}


def _answers(topic: str, connected: JsonObject, regions: Sequence[str]) -> dict[tuple[str, str], JsonObject]:
    entities: dict[tuple[str, str], JsonObject] = {}
    for region in regions or ("",):
        state = f"{topic}/{region}/state" if region else f"{topic}/state"
        # A part of one of several cameras is called CAMERA/REGION, and an entity's id has no slash.
        running = _CAMERA_RUNNING % camera_of(region) if region else _RUNNING
        availability: list[Json] = [connected, {"topic": f"{topic}/health", "value_template": running}]
        words, before = (f"{region} ", f"{region.replace('/', '--')}_") if region else ("", "")
        entities["sensor", f"{before}decision"] = {
            "name": f"{words}decision" if region else "Decision",
            "state_topic": state,
            "value_template": "{{ value_json.label or 'unknown' }}",
            "json_attributes_topic": state,
            "icon": "mdi:eye",
            "availability": availability,
        }
        entities["sensor", f"{before}score"] = {
            "name": f"{words}score" if region else "Score",
            "state_topic": state,
            "value_template": "{{ (value_json.score * 100) | round(1) }}",
            "unit_of_measurement": "%",
            "state_class": "measurement",
            "availability": availability,
        }
    return entities


def filter_of(topic: str) -> str:
    """The MQTT filter of all that `discovery` ever announced for a topic."""
    return f"{PREFIX}/+/{identifier(topic)}/+/config"


def announced_state(topic: str, payload: bytes) -> str | None:
    """The topic of the decision in a message of discovery; None where it is of something else, or not under `topic`."""
    try:
        state = json.loads(payload)["state_topic"]
    except (ValueError, KeyError, TypeError):
        return None
    return state if isinstance(state, str) and state.startswith(f"{topic}/") and state.endswith("/state") else None


def identifier(topic: str) -> str:
    """The topic as an identifier: what Home Assistant allows in one."""
    return re.sub(r"[^a-z0-9]+", "_", f"fedge_{topic.removeprefix('fedge/')}".lower()).strip("_")


def _slug(identity: str, entity: str) -> str:
    return f"{identity}_{entity.lower().replace('-', '_')}"
