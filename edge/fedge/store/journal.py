"""store.json: what the store holds and what was done with it, when and why."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from fedge.errors import StoreError
from fedge.system.files import write_json

NAME = "store.json"
FORMAT = 1
MAX_HISTORY = 200


@dataclass(frozen=True)
class Entry:
    """A model file in the store.

    Attributes:
        sha256: of the whole file, which is also its name in the store.
        name: what the model calls itself.
        version: the name given to it when it was added; else the first 12 digits of `sha256`.
        added: when, ISO 8601 in UTC.
    """

    sha256: str
    name: str
    version: str
    added: str


@dataclass(frozen=True)
class Event:
    """A change of the store: a model was added, made current, rolled back to, or removed.

    Attributes:
        time: ISO 8601 in UTC.
        action: `add`, `use`, `rollback` or `remove`.
        sha256: of that model's file; of the model that was left, where a rollback found no model to go back to.
        reason: why, in words; empty for what a person asked for without a reason.
    """

    time: str
    action: str
    sha256: str
    reason: str


@dataclass(frozen=True)
class Journal:
    """All entries, oldest first, and the last 200 events, oldest first."""

    entries: tuple[Entry, ...] = ()
    history: tuple[Event, ...] = ()


def read_journal(folder: Path) -> Journal:
    """Reads store.json; empty where there is none. Raises StoreError."""
    path = folder / NAME
    try:
        value = json.loads(path.read_bytes())
        if value["format"] != FORMAT:
            raise StoreError(f"{path} is of format {value['format']}", "use the fedge that wrote it, or a later one")
        return Journal(
            tuple(Entry(**entry) for entry in value["models"]), tuple(Event(**event) for event in value["history"])
        )
    except FileNotFoundError:
        return Journal()
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path} cannot be read ({error})", "move it away: the models beside it stay, and can be added again"
        ) from error


def write_journal(folder: Path, journal: Journal) -> None:
    """Writes store.json, whole or not at all."""
    value = {
        "format": FORMAT,
        "models": [asdict(entry) for entry in journal.entries],
        "history": [asdict(event) for event in journal.history[-MAX_HISTORY:]],
    }
    write_json(folder / NAME, value)
