"""`fedge update`: takes a new model from signed releases into the store; a running `fedge run` proves and swaps it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from fedge import __version__
from fedge.errors import SelfTestFailed, UpdateError
from fedge.model.file import MAX_BYTES
from fedge.model.manifest import later_fedge
from fedge.store.prove import prove
from fedge.store.store import Store, lock_file
from fedge.store.trial import read_trial
from fedge.system.json_types import JsonObject
from fedge.system.locks import locked
from fedge.updates.client import Client
from fedge.updates.memory import Memory, earliest, now, recall, remember
from fedge.updates.refusals import no_room
from fedge.updates.release import Release
from fedge.updates.rollout import failed_here, newest_for

_DIGITS = 12
_ROOM = 1 << 20
_GOES_ON = "the model at hand goes on"


@dataclass(frozen=True)
class UpdateOptions:
    """Where updates come from.

    Attributes:
        url: an http or https address, or a folder.
        channel: `stable` or `beta`.
        device: what tells this device from others.
        root: the root.json to trust; None: the one that was given before.
        seconds: how long a server may take.
    """

    url: str
    channel: str
    device: str
    root: Path | None
    seconds: float


@dataclass(frozen=True)
class UpdateReport:
    """What came of looking for an update.

    Attributes:
        taken: whether a model was taken.
        current: SHA-256 of the current model; None where there is none.
        release: the newest release for this device; None where there is none.
        reason: in words.
    """

    taken: bool
    current: str | None
    release: Release | None
    reason: str


def as_json(report: UpdateReport) -> JsonObject:
    """The report as JSON has it."""
    return asdict(report)


def as_text(report: UpdateReport) -> str:
    """The report as one line."""
    return report.reason


def update(store: Store, options: UpdateOptions) -> UpdateReport:
    """Takes the newest release that is for this device, if it is another than the current model.

    Raises UpdateError for what may not be trusted or cannot be fetched, SelfTestFailed for a model that does not give
    its golden answers here; the current model is then untouched.
    """
    folder = store.folder / "updates"
    with _alone(folder):
        memory = recall(folder)
        _require_clock(memory)
        client = Client(folder, options.url, options.root, options.seconds)
        release = newest_for(client.releases(), options.channel, options.device)
        memory = replace(memory, seen=now(), latest=asdict(release) if release else None)
        remember(folder, memory)
        reason = _why_not(store, memory, release, options.channel)
        if release is None or reason:
            return UpdateReport(False, store.current, release, reason)
        _require_fit(release, memory)
        with _no_room_told():
            _take(store, client, release, folder, memory)
    return UpdateReport(True, store.current, release, f"{_called(release)} is current now; `fedge run` proves it")


def _why_not(store: Store, memory: Memory, release: Release | None, channel: str) -> str:
    """Why there is nothing to take, or ""."""
    if release is None:
        return f"{channel} has no release for this device yet"
    if release.model_sha256 == store.current:
        return f"{_called(release)} is current already"
    if release.number < memory.taken.get(channel, 0):
        return f"{_called(release)} is older than what this device took"
    if why := failed_here(store.journal().history).get(release.model_sha256):
        return f"{_called(release)} failed here ({why}), and is not taken again"
    trial = read_trial(store)
    if trial and trial.running and trial.sha256 == store.current and release.model_sha256 != store.previous:
        return f"{_called(release)} waits until the trial of the current model is over"
    return ""


def _require_fit(release: Release, memory: Memory) -> None:
    try:
        is_later = later_fedge(release.least_fedge)
    except ValueError:
        is_later = True
    if is_later:
        raise UpdateError(
            f"{_called(release)} needs fedge {release.least_fedge} or later, this is {__version__}",
            f"update fedge first; {_GOES_ON}",
        )
    if release.bytes > MAX_BYTES:
        raise UpdateError(f"{_called(release)} has more than {MAX_BYTES} bytes", f"tell who releases; {_GOES_ON}")
    if why := memory.refused.get(release.model_sha256):
        raise SelfTestFailed(f"{_called(release)} failed its self-test here: {why}", _GOES_ON)


def _take(store: Store, client: Client, release: Release, folder: Path, memory: Memory) -> None:
    sha = release.model_sha256
    path = store.path(sha)
    if not path.is_file():
        if shutil.disk_usage(folder).free < 2 * release.bytes + _ROOM:
            raise UpdateError(f"the disk has no room for {_called(release)}", f"make room; {_GOES_ON}")
        downloaded = folder / "download.tflite"
        client.fetch(release, downloaded)
        try:
            store.add(downloaded, release.version)
        finally:
            downloaded.unlink(missing_ok=True)
        memory = replace(memory, added=(*memory.added, sha))
        remember(folder, memory)
    entry = store.find(sha)
    proof = prove(path)
    if not proof.passed:
        remember(folder, replace(memory, refused=memory.refused | {sha: proof.reason}))
        store.remove(entry)
        raise SelfTestFailed(f"{_called(release)} failed its self-test here: {proof.reason}", _GOES_ON)
    store.use(entry, f"update: release {release.number} of {release.channel}")
    kept = {store.current, store.previous}
    for old in (each for each in store.journal().entries if each.sha256 in memory.added and each.sha256 not in kept):
        store.remove(old)
    added = tuple(each for each in memory.added if each in kept)
    remember(folder, replace(memory, added=added, taken=memory.taken | {release.channel: release.number}))


def _require_clock(memory: Memory) -> None:
    clock, past = datetime.now(UTC), earliest(memory)
    if clock < past:
        raise UpdateError(
            f"the clock says {clock:%Y-%m-%d %H:%M}, which was before {past:%Y-%m-%d %H:%M}",
            f"wait until it is set from the network; {_GOES_ON}",
        )


def _called(release: Release) -> str:
    return f"{release.model} {release.version} ({release.model_sha256[:_DIGITS]})"


@contextmanager
def _no_room_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise (no_room(error) or error) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds the lock of the client's folder, so that two clients do not mix what they trust."""
    with locked(lock_file(folder), UpdateError("another fedge update is at work here", "wait for its end")):
        yield
