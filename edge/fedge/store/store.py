"""The store's folder: model files by their SHA-256, and the links `current` and `previous`, replaced in one step each.

    SHA256.tflite ...   current -> SHA256.tflite   previous -> SHA256.tflite   store.json

A power cut leaves the old or the new link, never none: a link is made under another name and renamed over the old one.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from fedge.errors import StoreError
from fedge.model import file as model_file
from fedge.store.journal import Entry, Event, Journal, read_journal, write_journal
from fedge.system.files import sha256, sync_folder, write_bytes
from fedge.system.locks import locked

CURRENT, PREVIOUS = "current", "previous"
_SUFFIX = ".tflite"
_LEAST_DIGITS = 4
_VERSION_DIGITS = 12


class Store:
    """The models of a device.

    Args:
        folder: where they are; made when the first is added.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def current(self) -> str | None:
        """The SHA-256 of the model that runs; None where none was chosen."""
        return self._target(CURRENT)

    @property
    def previous(self) -> str | None:
        """The SHA-256 of the model that ran before; None where there is none to go back to."""
        previous = self._target(PREVIOUS)
        # A power cut within `use` or `rollback` can leave both links on one model.
        return None if previous == self.current else previous

    def journal(self) -> Journal:
        """What is in the store and what was done."""
        return read_journal(self.folder)

    def path(self, sha: str) -> Path:
        """Where a model of the store is."""
        return self.folder / f"{sha}{_SUFFIX}"

    def find(self, name: str) -> Entry:
        """The model of this name, version or SHA-256, of which four digits are enough. Raises StoreError."""
        entries = self.journal().entries
        found = [e for e in entries if name in (e.sha256, e.version, e.name)]
        if not found and len(name) >= _LEAST_DIGITS:
            found = [e for e in entries if e.sha256.startswith(name)]
        if not found:
            raise StoreError(
                f"the store has no model {name}", "see `fedge models list`, or add it with `fedge models add FILE`"
            )
        if len(found) > 1:
            digits = ", ".join(e.sha256[:_VERSION_DIGITS] for e in found)
            raise StoreError(f"{len(found)} models are called {name}", f"say which by its SHA-256: {digits}")
        return found[0]

    def add(self, path: Path, version: str | None = None) -> Entry:
        """Copies a model file into the store and gives its entry. Raises ModelFileError, StoreError.

        A file that is there already keeps its entry.
        """
        data = model_file.read_bytes(path)
        content = model_file.parse_named(path, data)
        sha = sha256(data)
        with self._changing():
            journal = self.journal()
            known = next((e for e in journal.entries if e.sha256 == sha), None)
            if known is not None and self.path(sha).is_file():
                return known
            entry = Entry(sha, content.manifest.name, version or sha[:_VERSION_DIGITS], _now())
            write_bytes(self.path(sha), data)
            kept = tuple(e for e in journal.entries if e.sha256 != sha)
            self._write(replace(journal, entries=(*kept, entry)), "add", sha, "")
        return entry

    def use(self, entry: Entry, reason: str = "") -> None:
        """Makes a model of the store the current one; what was current becomes the previous one."""
        with self._changing():
            self._require_file(entry.sha256)
            if self.current == entry.sha256:
                return
            if self.current is not None:
                self._link(PREVIOUS, self.current)
            self._link(CURRENT, entry.sha256)
            self._write(self.journal(), "use", entry.sha256, reason)

    def rollback(self, reason: str = "") -> Entry:
        """Makes the previous model the current one; afterwards there is no previous one. Raises StoreError."""
        with self._changing():
            previous = self.previous
            if previous is None:
                raise StoreError("there is no previous model", "choose one with `fedge models use NAME`")
            self._require_file(previous)
            entry = self.find(previous)
            self._link(CURRENT, previous)
            (self.folder / PREVIOUS).unlink()
            self._write(self.journal(), "rollback", previous, reason)
        return entry

    def leave(self, reason: str) -> None:
        """Leaves the store without a current model; a run without MODEL then takes the one that comes along."""
        with self._changing():
            sha = self.current
            if sha is None:
                return
            (self.folder / CURRENT).unlink()
            sync_folder(self.folder)
            self._write(self.journal(), "rollback", sha, reason)

    def remove(self, entry: Entry) -> None:
        """Removes a model from the store. Raises StoreError for the current and the previous one."""
        with self._changing():
            for name, sha in ((CURRENT, self.current), (PREVIOUS, self.previous)):
                if sha == entry.sha256:
                    raise StoreError(f"{entry.name} is the {name} model", "use another first: `fedge models use NAME`")
            journal = self.journal()
            kept = tuple(e for e in journal.entries if e.sha256 != entry.sha256)
            self._write(replace(journal, entries=kept), "remove", entry.sha256, "")
            self.path(entry.sha256).unlink(missing_ok=True)

    def _target(self, name: str) -> str | None:
        try:
            target = (self.folder / name).readlink()
        except OSError:
            return None
        return target.stem if (self.folder / target).is_file() else None

    def _require_file(self, sha: str) -> None:
        if not self.path(sha).is_file():
            raise StoreError(f"{self.path(sha)} is gone", "add the model again with `fedge models add FILE`")

    def _link(self, name: str, sha: str) -> None:
        temporary = self.folder / f".{name}.new"
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(f"{sha}{_SUFFIX}")
        os.replace(temporary, self.folder / name)
        sync_folder(self.folder)

    def _write(self, journal: Journal, action: str, sha: str, reason: str) -> None:
        event = Event(_now(), action, sha, reason)
        write_journal(self.folder, replace(journal, history=(*journal.history, event)))

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        with locked(lock_file(self.folder)):
            yield


def lock_file(folder: Path) -> Path:
    """The file whose holder alone may change the folder, which is made if need be. Raises StoreError."""
    file = folder / ".lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.touch()
    except OSError as error:
        raise StoreError(
            f"{folder} may not be changed ({error.strerror})", "run it with sudo, or name a --store of your own"
        ) from error
    return file


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
