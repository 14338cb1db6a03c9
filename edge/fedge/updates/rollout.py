"""Which devices take part in a staged rollout: a number made from device and version says it, and no server's list."""

from collections.abc import Iterable

from fedge.store.journal import Event
from fedge.system.files import sha256
from fedge.system.machine import machine_digits
from fedge.updates.release import Release, in_channel

_DIGITS = 16
_NUMBERS = 1 << 4 * _DIGITS


def device_id() -> str:
    """What tells this device from others and stays."""
    return machine_digits("fedge update", _DIGITS)


def takes_part(device: str, version: str, percent: int) -> bool:
    """Whether a device is among `percent` of 100; one that is stays so when `percent` rises."""
    number = int(sha256(f"{device}\n{version}".encode())[:_DIGITS], 16)
    return number * 100 < percent * _NUMBERS


def newest_for(releases: Iterable[Release], channel: str, device: str) -> Release | None:
    """The newest release of a channel that this device may take."""
    mine = in_channel(releases, channel)
    return next((each for each in mine if takes_part(device, each.version, each.percent)), None)


def failed_here(history: Iterable[Event]) -> dict[str, str]:
    """By SHA-256, the models that were rolled back on this device and that nobody chose again; and why they were."""
    current, failed = "", dict[str, str]()
    for event in history:
        if event.action == "use":
            failed.pop(event.sha256, None)
        elif event.action == "rollback":
            failed[current] = event.reason or "rolled back by hand"
        else:
            continue
        current = event.sha256
    return failed
