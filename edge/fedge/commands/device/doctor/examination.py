"""All checks, in the order in which a person would make them, and what is said of them."""

from collections.abc import Iterator
from dataclasses import asdict

from fedge.commands.device.doctor.cameras import check_cameras
from fedge.commands.device.doctor.finding import Finding, Level
from fedge.commands.device.doctor.machine import (
    check_address,
    check_clock,
    check_disk,
    check_ports,
    check_power,
    check_service,
)
from fedge.commands.device.doctor.software import (
    check_interpreter,
    check_opencv,
    check_picamera2,
    check_python,
    check_system,
)
from fedge.system.json_types import JsonObject

_MARKS: dict[Level, str] = {"ok": "ok", "note": "note", "wrong": "WRONG"}


def examine(mqtt: str | None, url: str | None) -> Iterator[Finding]:
    """Makes all checks.

    Args:
        mqtt: a broker's URL that must answer, or None.
        url: an update server's URL that must answer, or None.
    """
    yield from (check_system(), check_python(), check_opencv(), check_interpreter())
    yield from filter(None, [check_picamera2()])
    yield from check_cameras()
    yield from filter(None, [check_power(), check_disk(), check_clock(), check_service()])
    yield from check_ports()
    if mqtt is not None:
        yield check_address("broker", mqtt)
    if url is not None:
        yield check_address("update server", url)


def as_text(finding: Finding) -> str:
    """A finding in a line, and its mend in a second one."""
    line = f"{_MARKS[finding.level]:5} {finding.check}: {finding.found}"
    return f"{line}\n      mend: {finding.mend}" if finding.mend else line


def as_json(findings: list[Finding]) -> JsonObject:
    """The findings as JSON has them."""
    return {"healthy": is_healthy(findings), "findings": [asdict(finding) for finding in findings]}


def is_healthy(findings: list[Finding]) -> bool:
    """Whether nothing has to be mended."""
    return all(finding.level != "wrong" for finding in findings)
