"""`fedge models`: the model store of this device."""

from dataclasses import asdict, dataclass
from pathlib import Path

from fedge.commands.verify import require_passed
from fedge.evaluation.verification import verify_model
from fedge.store.journal import Entry, Event
from fedge.store.store import Store
from fedge.system.json_types import JsonObject
from fedge.system.state import store_folder

_DIGITS = 12


@dataclass(frozen=True)
class StoreReport:
    """What is in the store.

    Attributes:
        folder: where it is.
        current, previous: SHA-256 of the model that runs and of the one before; None where there is none.
        models: oldest first.
        history: what was done, oldest first.
    """

    folder: str
    current: str | None
    previous: str | None
    models: tuple[Entry, ...]
    history: tuple[Event, ...]


def open_store(folder: Path | None) -> Store:
    """The store in `folder`, or this machine's."""
    return Store(folder or store_folder())


def store_report(store: Store) -> StoreReport:
    """What is in the store. Raises StoreError where store.json cannot be read."""
    journal = store.journal()
    return StoreReport(str(store.folder), store.current, store.previous, journal.entries, journal.history)


def as_json(report: StoreReport) -> JsonObject:
    """The report as JSON has it."""
    return asdict(report)


def as_text(report: StoreReport) -> str:
    """The report as text: a line per model, then what was done last."""
    if not report.models:
        return f"no model in {report.folder}; add one with `fedge models add FILE`"
    marks = {report.previous: "previous", report.current: "current"}
    lines = [
        f"{marks.get(m.sha256, ''):8} {m.sha256[:_DIGITS]} {m.name} version {m.version}, added {m.added}"
        for m in report.models
    ]
    last = report.history[-1]
    because = f": {last.reason}" if last.reason else ""
    return "\n".join([*lines, f"last: {last.action} {last.sha256[:_DIGITS]} at {last.time}{because}"])


def add_model(store: Store, path: Path, version: str | None) -> Entry:
    """Takes a model file into the store after its checks. Raises ModelFileError, StoreError."""
    return store.add(path, version)


def use_model(store: Store, name: str, reason: str = "") -> Entry:
    """Makes a model current once this machine gave its golden answers. Raises StoreError, SelfTestFailed."""
    entry = store.find(name)
    require_passed(verify_model(str(store.path(entry.sha256))))
    store.use(entry, reason)
    return entry
