"""`fedge fleet`: all devices of a broker in one table."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fedge.errors import FleetInError
from fedge.options import Broker
from fedge.outputs.factory import MQTT_PASSWORD
from fedge.outputs.mqtt.devices import read_devices
from fedge.outputs.mqtt.status import DeviceStatus
from fedge.outputs.network.addresses import read_secret
from fedge.system.json_types import JsonObject

_HEAD = ("device", "state", "model", "version", "waits", "fps", "unknown", "faults")


@dataclass(frozen=True)
class FleetReport:
    """The devices, sorted by their topics, and those of them that are in error."""

    devices: tuple[DeviceStatus, ...]

    @property
    def in_error(self) -> tuple[DeviceStatus, ...]:
        """Those that are gone, give no answers, whose output fails, or that rolled their last model back."""
        return tuple(device for device in self.devices if error(device))


def fleet_status(
    broker: Broker, topic: str, seconds: float, password_file: Path | None, authority: Path | None
) -> FleetReport:
    """All devices under `topic`; raises OutputError where the broker cannot be reached or refuses."""
    password = read_secret(MQTT_PASSWORD, password_file, "--mqtt-password-file") if broker.user is not None else None
    return FleetReport(tuple(read_devices(broker, topic, seconds, password, authority)))


def error(device: DeviceStatus) -> str:
    """What is wrong with a device, in words; empty where nothing is."""
    if device.failed:
        return f"rolled back: {device.failed}"
    if device.healthy:
        return ""
    return device.state if device.state != "running" else "an output fails"


def require_healthy(report: FleetReport, most_percent: float) -> None:
    """Raises FleetInError where more than so many of 100 devices are in error, or none has published its status."""
    wrong = report.in_error
    if not report.devices:
        raise FleetInError("no device has published its status there", "check the topic in --mqtt")
    if 100 * len(wrong) > most_percent * len(report.devices):
        first = f"{wrong[0].device}: {error(wrong[0])}"
        raise FleetInError(
            f"{len(wrong)} of {len(report.devices)} devices are in error ({first}), more than {most_percent:g}%",
            "see `fedge fleet status`; take the release back with `fedge release withdraw`",
        )


def as_json(report: FleetReport) -> JsonObject:
    """The report as JSON has it: each device with its `error`, and how many there are and are in error."""
    devices: list[JsonObject] = [device.to_json() | {"error": error(device)} for device in report.devices]
    return {"devices": [*devices], "count": len(devices), "in_error": len(report.in_error)}


def as_text(report: FleetReport) -> str:
    """The report as a table, and what is wrong below it."""
    if not report.devices:
        return "no device has published its status there"
    rows = [_HEAD, *(_row(device) for device in report.devices)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    wrong = [f"{device.device}: {error(device)}" for device in report.in_error]
    total = f"{len(report.devices)} device{'s'[: len(report.devices) != 1]}, {len(wrong)} in error"
    return "\n".join([*lines, total, *wrong])


def _row(device: DeviceStatus) -> Sequence[str]:
    state = f"{device.state}, trial" if device.trial else device.state
    waits = device.latest_version if device.latest_version != device.version else "-"
    unknown = "-" if device.unknown_rate is None else f"{device.unknown_rate:.0%}"
    return (
        device.device,
        state,
        device.model,
        device.version,
        waits,
        f"{device.fps:.1f}",
        unknown,
        str(device.faults),
    )
