"""The model that waits in a store: the newest one that was never the current one; and what failed last."""

from fedge.store.journal import Entry, Journal

ORDERED = "asked for over MQTT"
"""The reason of a change that somebody asked for at the broker."""


def waiting_model(journal: Journal, current: str | None) -> Entry | None:
    """The model that was added last, after the current one, and never ran here; None where there is none.

    One that ran and was rolled back does not wait any more. `current` is the SHA-256 of the current one.
    """
    ran = {event.sha256 for event in journal.history if event.action == "use"}
    for entry in reversed(journal.entries):
        if entry.sha256 == current:
            return None
        if entry.sha256 not in ran:
            return entry
    return None


def last_failure(journal: Journal) -> str:
    """Why the model before the current one was rolled back; empty where it was not, or where somebody asked for it."""
    changes = [event for event in journal.history if event.action in ("use", "rollback")]
    last = changes[-1] if changes else None
    return last.reason if last is not None and last.action == "rollback" and last.reason != ORDERED else ""
