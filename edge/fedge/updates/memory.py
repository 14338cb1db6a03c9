"""What the update client remembers on a device, in `updates/state.json` of the store's folder."""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fedge
from fedge.system.files import write_json

NAME = "state.json"


@dataclass(frozen=True)
class Memory:
    """What is remembered.

    Attributes:
        seen: when releases were last trusted, ISO 8601 in UTC: the clock cannot be before it.
        taken: by channel, the number of the newest release that was taken.
        added: SHA-256 of the models that updates brought into the store.
        refused: by SHA-256, the models that failed their self-test here, and why.
        latest: the newest release for this device when `seen`, as JSON; None where there was none.
    """

    seen: str = ""
    taken: dict[str, int] = field(default_factory=dict)
    added: tuple[str, ...] = ()
    refused: dict[str, str] = field(default_factory=dict)
    latest: dict[str, Any] | None = None


def recall(folder: Path) -> Memory:
    """What is remembered; nothing where it cannot be read."""
    try:
        value = Memory(**json.loads((folder / NAME).read_bytes()))
        datetime.fromisoformat(value.seen or _iso(datetime.now(UTC)))
    except (OSError, ValueError, TypeError):
        return Memory()
    return value


def remember(folder: Path, memory: Memory) -> None:
    """Keeps it, whole or not at all."""
    write_json(folder / NAME, asdict(memory))


def now() -> str:
    """This moment, ISO 8601 in UTC."""
    return _iso(datetime.now(UTC))


def earliest(memory: Memory) -> datetime:
    """A time that is surely past: when releases were last trusted, or fedge was installed.

    A Raspberry Pi without a clock battery starts before it, until its clock is set from the network.
    """
    installed = datetime.fromtimestamp(Path(fedge.__file__).stat().st_mtime, UTC)
    return max(installed, datetime.fromisoformat(memory.seen)) if memory.seen else installed


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
