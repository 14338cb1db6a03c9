"""The model that waits in a store: the newest one that was never the current one."""

from fedge.store.journal import Entry
from fedge.store.store import Store

ORDERED = "asked for over MQTT"
"""The reason of a change that somebody asked for at the broker."""


def waiting_model(store: Store) -> Entry | None:
    """The model that was added last, after the current one, and never ran here; None where there is none.

    One that ran and was rolled back does not wait any more. Raises StoreError where store.json cannot be read.
    """
    journal = store.journal()
    current = store.current
    ran = {event.sha256 for event in journal.history if event.action == "use"}
    for entry in reversed(journal.entries):
        if entry.sha256 == current:
            return None
        if entry.sha256 not in ran:
            return entry
    return None


def last_failure(store: Store) -> str:
    """Why the model before the current one was rolled back; empty where it was not, or where somebody asked for it.

    Raises StoreError where store.json cannot be read.
    """
    changes = [event for event in store.journal().history if event.action in ("use", "rollback")]
    last = changes[-1] if changes else None
    return last.reason if last is not None and last.action == "rollback" and last.reason != ORDERED else ""
