"""The trial of a model that was just swapped in: what it must keep, and what a crash during it leaves behind.

trial.json stands in the store's folder while a trial goes on. A process that ends in order marks it as paused; one that
is found unpaused at the next start died in the trial, and after the second death the trial has failed.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from fedge.store.store import Store
from fedge.system.files import sync_folder, write_json

NAME = "trial.json"
MOST_DEATHS = 2


@dataclass(frozen=True)
class Trial:
    """A trial that is not over.

    Attributes:
        sha256: of the model file under trial.
        seconds_left: how long it still has to run.
        deaths: how often the process died in it.
        running: whether a process has begun it and not ended in order; still True after a crash.
        unknown_before: the share of frames, 0..1, that the previous model called unknown; None where it saw too few.
    """

    sha256: str
    seconds_left: float
    deaths: int = 0
    running: bool = True
    unknown_before: float | None = None


def read_trial(store: Store) -> Trial | None:
    """The trial that is not over, if there is one; one that cannot be read counts as none."""
    try:
        return Trial(**json.loads((store.folder / NAME).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def write_trial(store: Store, trial: Trial) -> None:
    """Keeps a trial, whole or not at all."""
    write_json(store.folder / NAME, asdict(trial))


def end_trial(store: Store) -> None:
    """Removes the trial."""
    (store.folder / NAME).unlink(missing_ok=True)
    sync_folder(store.folder)


def resume(store: Store) -> tuple[Trial | None, str]:
    """What a runner does about a trial when it starts: goes on with it, or rolls back after the second death.

    Gives the trial to go on with, None where there is none; and why the model was rolled back, or "".
    """
    trial = read_trial(store)
    if trial is None:
        return None, ""
    if trial.sha256 != store.current:
        end_trial(store)
        return None, ""
    trial = replace(trial, deaths=trial.deaths + trial.running, running=True)
    if trial.deaths < MOST_DEATHS:
        write_trial(store, trial)
        return trial, ""
    reason = f"it died {trial.deaths} times in its trial"
    fail(store, reason)
    return None, reason


def fail(store: Store, reason: str) -> None:
    """Ends the trial and brings the previous model back. Raises StoreError where there is none."""
    try:
        store.rollback(reason)
    finally:
        end_trial(store)


def pause(store: Store, seconds_left: float) -> None:
    """Marks the trial as not running, because the process ends in order."""
    trial = read_trial(store)
    if trial is not None and trial.sha256 == store.current:
        write_trial(store, replace(trial, seconds_left=seconds_left, running=False))


def folder_of(path: Path) -> Store | None:
    """The store whose current model is the file at `path`; None where there is no such store."""
    store = Store(path.parent)
    return store if store.current == path.stem else None
